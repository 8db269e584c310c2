import { readdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { EdgeDistillError, errorMessage, ioError, isSystemError } from "../base/index.js";
import type { DType, HostTensor, TypedArrayOf } from "../tensor/index.js";
import type { ProviderAttempt, ProviderName, SessionOptions, TensorInfo } from "./engine.js";
import { loadOrt, ortSessionOptions, profilePrefix, type Ort } from "./ort.js";

/** What a session knows about its model; plain data, it travels between threads. */
export interface SessionFacts {
  name: string;
  inputs: readonly TensorInfo[];
  outputs: readonly TensorInfo[];
  provider: ProviderName;
  attempts: readonly ProviderAttempt[];
}

/** A session of onnxruntime-node in this thread. Calls must not overlap; both engines see to that. */
export class OrtSession {
  readonly facts: SessionFacts;
  readonly #ort: Ort;
  readonly #session: InferenceSession;
  readonly #profilePath: string | undefined;

  private constructor(
    ort: Ort,
    session: InferenceSession,
    facts: SessionFacts,
    profilePath: string | undefined,
  ) {
    this.#ort = ort;
    this.#session = session;
    this.#profilePath = profilePath;
    this.facts = facts;
  }

  /** Tries the providers in order. @throws IO_NOT_FOUND, ONNX_CORRUPT, ENGINE_LOAD, ENGINE_PROVIDER */
  static async create(
    model: Uint8Array | string,
    options: SessionOptions = {},
  ): Promise<OrtSession> {
    const name = modelName(model, options);
    if (typeof model === "string") await expectFile(model);
    const ort = await loadOrt();
    const attempts: ProviderAttempt[] = [];
    let last: unknown;
    for (const provider of options.providers ?? ["cpu"]) {
      const startedMs = performance.now();
      const attempt = { provider, ms: 0 };
      try {
        const ortOptions = ortSessionOptions(provider, options);
        const session =
          typeof model === "string"
            ? await ort.InferenceSession.create(model, ortOptions)
            : await ort.InferenceSession.create(model, ortOptions);
        attempts.push({ ...attempt, ok: true, ms: performance.now() - startedMs });
        const inputs = session.inputMetadata.map(tensorInfo);
        const outputs = session.outputMetadata.map(tensorInfo);
        return new OrtSession(
          ort,
          session,
          { name, inputs, outputs, provider, attempts },
          options.profilePath,
        );
      } catch (error) {
        last = error;
        if (looksCorrupt(error)) throw corruptError(name, error);
        attempts.push({
          ...attempt,
          ok: false,
          error: errorMessage(error),
          ms: performance.now() - startedMs,
        });
      }
    }
    throw loadError(name, attempts, last, ort.env.versions.node ?? "");
  }

  /** @throws ENGINE_RUN */
  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    outputs?: readonly string[],
  ): Promise<Record<string, HostTensor>> {
    try {
      const ortFeeds: Record<string, Tensor> = {};
      for (const [name, feed] of Object.entries(feeds)) ortFeeds[name] = this.#toOrt(feed);
      const results =
        outputs === undefined
          ? await this.#session.run(ortFeeds)
          : await this.#session.run(ortFeeds, [...outputs]);
      const tensors: Record<string, HostTensor> = {};
      for (const [name, value] of Object.entries(results)) tensors[name] = fromOrt(value);
      return tensors;
    } catch (error) {
      throw new EdgeDistillError(
        "ENGINE_RUN",
        `${this.facts.name} failed to run: ${errorMessage(error)}`,
        {
          hint: "Check that the shapes fed fit the model, and that memory suffices.",
          details: { model: this.facts.name, provider: this.facts.provider },
          cause: error,
        },
      );
    }
  }

  /** Frees the native session; the profile, when asked for, is under its final name afterwards. */
  async release(): Promise<void> {
    if (this.#profilePath !== undefined) {
      this.#session.endProfiling();
      await moveProfile(this.#profilePath);
    }
    await this.#session.release();
  }

  /** onnxruntime-node refuses shared memory, so that is copied. */
  #toOrt({ dtype, dims, data }: HostTensor): Tensor {
    const own =
      Array.isArray(data) || !(data.buffer instanceof SharedArrayBuffer) ? data : data.slice();
    const make = this.#ort.Tensor as new (
      type: DType,
      data: TypedArrayOf[DType],
      dims: readonly number[],
    ) => Tensor;
    return new make(dtype, own, dims);
  }
}

function fromOrt({ type, dims, data }: Tensor): HostTensor {
  const dtype = type as DType;
  if (dtype === "float16" && ArrayBuffer.isView(data) && !(data instanceof Uint16Array))
    return {
      dtype,
      dims,
      data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2),
    };
  return { dtype, dims, data: data };
}

function tensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor)
    throw new EdgeDistillError(
      "ENGINE_LOAD",
      `"${metadata.name}" is a sequence or map, not a tensor`,
      {
        hint: "Export the model with tensors as inputs and outputs.",
        details: { tensor: metadata.name },
      },
    );
  return { name: metadata.name, dtype: metadata.type as DType, dims: metadata.shape };
}

function modelName(model: Uint8Array | string, { name }: SessionOptions): string {
  return (
    name ??
    (typeof model === "string" ? model : `model of ${String(model.byteLength)} bytes in memory`)
  );
}

async function expectFile(path: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (error) {
    throw ioError(error, path, "reading");
  }
  throw new EdgeDistillError("ENGINE_LOAD", `${path} is not a file`, {
    hint: "Name the .onnx file itself.",
    details: { path },
  });
}

function looksCorrupt(error: unknown): boolean {
  return /protobuf parsing failed|model data pointer is null|no graph was found|does not have a graph/i.test(
    errorMessage(error),
  );
}

function corruptError(name: string, error: unknown): EdgeDistillError {
  return new EdgeDistillError(
    "ONNX_CORRUPT",
    `${name} is not a whole ONNX model: ${errorMessage(error)}`,
    {
      hint: "Copy or export the file again: it is truncated, or not ONNX.",
      details: { model: name },
      cause: error,
    },
  );
}

function loadError(
  name: string,
  attempts: readonly ProviderAttempt[],
  error: unknown,
  version: string,
): EdgeDistillError {
  const details = { model: name, attempts };
  if (error instanceof EdgeDistillError) return error;
  if (attempts.at(-1)?.provider === "cpu")
    return new EdgeDistillError(
      "ENGINE_LOAD",
      `ONNX Runtime cannot load ${name}: ${errorMessage(error)}`,
      {
        hint: `Check that ONNX Runtime ${version} knows the model's opset and operators, and that external data lies beside it.`,
        details,
        cause: error,
      },
    );
  const tried = attempts.map((a) => `${a.provider} (${a.error ?? ""})`).join("; ");
  return new EdgeDistillError(
    "ENGINE_PROVIDER",
    `No execution provider loads ${name}; tried ${tried || "none"}`,
    {
      hint: 'Add "cpu" at the end of the providers, or install the library of the provider.',
      details,
      cause: error,
    },
  );
}

async function moveProfile(profilePath: string): Promise<void> {
  const folder = dirname(resolve(profilePath));
  const prefix = basename(profilePrefix(profilePath));
  try {
    const written = (await readdir(folder))
      .filter((file) => file.startsWith(`${prefix}_`))
      .sort()
      .at(-1);
    if (written !== undefined) await rename(join(folder, written), resolve(profilePath));
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw ioError(error, profilePath, "writing");
  }
}
