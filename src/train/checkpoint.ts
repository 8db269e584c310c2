import { createHash } from "node:crypto";
import { EdgeDistillError, errorMessage, readFileBytes, writeFileAtomic } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import type { StepMetrics, Trainer } from "./trainer.js";
import type { TrainingState } from "./training-step.js";

/** File layout: magic, uint32 header length, JSON header, float32 data, SHA-256 of all before it. */
const MAGIC = "EDCKPT01";
const DIGEST_BYTES = 32;

/** Seconds that a fit has used up so far, over interruptions. */
export interface Spent {
  wallSeconds: number;
  cpuSeconds: number;
}

export interface CheckpointFacts {
  /** What else must agree besides the graph for going on to make sense: seed, data, budget. */
  key?: string;
  spent?: Spent;
  /** Metrics of the steps so far. */
  history?: readonly StepMetrics[];
}

interface Header {
  stepIndex: number;
  key: string;
  spent: Spent;
  history: readonly StepMetrics[];
  /** Identity of the training graph. */
  graphSha256: string;
  tensors: { name: string; dims: readonly number[] }[];
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Writes the trainer's state; the old file stays whole until the new one is. @throws IO_DISK_FULL, IO_FAILED */
export async function writeCheckpoint(
  path: string,
  trainer: Trainer,
  { key = "", spent = { wallSeconds: 0, cpuSeconds: 0 }, history = [] }: CheckpointFacts = {},
): Promise<void> {
  const { state, stepIndex, step } = trainer;
  const tensors = Object.entries(state);
  const header: Header = {
    stepIndex,
    key,
    spent,
    history,
    graphSha256: sha256(step.model).toString("hex"),
    tensors: tensors.map(([name, { dims }]) => ({ name, dims })),
  };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const body = Buffer.concat([
    Buffer.from(MAGIC),
    length,
    json,
    ...tensors.map(([, { data }]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ]);
  await writeFileAtomic(path, Buffer.concat([body, sha256(body)]));
}

/** Where a fit stopped. */
export interface Checkpoint {
  state: TrainingState;
  stepIndex: number;
  spent: Spent;
  history: readonly StepMetrics[];
}

/**
 * Reads a checkpoint for going on exactly.
 * @param model the training graph it must belong to
 * @throws CHECKPOINT_CORRUPT when damaged, or written by another graph or under another key; IO_NOT_FOUND
 */
export async function readCheckpoint(
  path: string,
  model: Uint8Array,
  { key = "" }: { key?: string } = {},
): Promise<Checkpoint> {
  const refuse = (fact: string, cause?: unknown): never => {
    throw new EdgeDistillError("CHECKPOINT_CORRUPT", `${path} ${fact}`, {
      hint: "Delete the file to start over.",
      details: { path },
      cause,
    });
  };
  const bytes = Buffer.from(await readFileBytes(path));
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  if (
    !sha256(body).equals(bytes.subarray(body.length)) ||
    body.subarray(0, MAGIC.length).toString() !== MAGIC
  )
    return refuse("is not a whole checkpoint");
  const start = MAGIC.length + 4;
  let at = start + body.readUInt32LE(MAGIC.length);
  let header: Header;
  try {
    header = JSON.parse(body.subarray(start, at).toString()) as Header;
  } catch (error) {
    return refuse(`has an unreadable header: ${errorMessage(error)}`, error);
  }
  if (header.graphSha256 !== sha256(model).toString("hex"))
    return refuse("belongs to another training graph");
  if (header.key !== key)
    return refuse(`belongs to another run ("${header.key}", this is "${key}")`);
  const state: Record<string, HostTensor<"float32">> = {};
  for (const { name, dims } of header.tensors) {
    const count = dims.reduce((a, b) => a * b, 1);
    // a copy, since the slice of the file need not be aligned to four bytes
    const data = new Float32Array(Uint8Array.from(body.subarray(at, at + 4 * count)).buffer);
    state[name] = { dtype: "float32", dims, data };
    at += 4 * count;
  }
  const { stepIndex, spent, history } = header;
  return { state, stepIndex, spent, history };
}
