import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EdgeDistillError, type Progress } from "../../src/base/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  constantRate,
  fit,
  readCheckpoint,
  Trainer,
  warmupCosine,
  writeCheckpoint,
  type FitOptions,
  type FitResult,
} from "../../src/train/index.js";
import { BATCH, toyBatch, toyStep } from "./toy.js";

const step = toyStep();
let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openEngine({ kind: "worker" });
  folder = await mkdtemp(join(tmpdir(), "edge-distill-train-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (): Promise<Trainer> => Trainer.open(step, { engine, seed: 7, threads: 1 });

async function failure(run: Promise<unknown>): Promise<EdgeDistillError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

function toyFit(trainer: Trainer, more: Partial<FitOptions> = {}): Promise<FitResult> {
  return fit({
    trainer,
    batch: (index) => Promise.resolve(toyBatch(index)),
    imagesPerStep: BATCH,
    schedule: warmupCosine({ peak: 0.02 }),
    budget: { steps: 30 },
    ...more,
  });
}

describe("fit", () => {
  it("runs in a worker thread, reports progress, and counts images, seconds and CPU seconds", async () => {
    await using trainer = await open();
    const seen: Progress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    const result = await toyFit(trainer, { onProgress: (p) => seen.push(p), stage: "toy" });
    clearInterval(timer);
    expect(result.steps).toBe(30);
    expect(result.history).toHaveLength(30);
    expect(result.cpuSeconds).toBeGreaterThan(0);
    expect(result.imagesPerSecond).toBeCloseTo((30 * BATCH) / result.wallSeconds, 3);
    expect(ticks).toBeGreaterThan(5);
    expect(seen.at(-1)).toMatchObject({ stage: "toy", fraction: 1 });
    expect(seen.at(-1)?.message).toMatch(/^step 30, loss \d\.\d{3}, \d+ images\/s, 0 s left$/);
    const [first, last] = [result.history[0], result.history.at(-1)];
    expect(last?.["loss"] ?? 9).toBeLessThan(first?.["loss"] ?? 0);
  });

  it("ends when its CPU seconds or its wall seconds are used up", async () => {
    await using trainer = await open();
    const wall = await toyFit(trainer, { budget: { wallSeconds: 0.2 } });
    expect(wall.wallSeconds).toBeGreaterThanOrEqual(0.2);
    expect(wall.steps).toBeGreaterThan(0);
    const cpu = await toyFit(trainer, { budget: { cpuSeconds: 0.1, steps: 1e9 } });
    expect(cpu.cpuSeconds).toBeGreaterThanOrEqual(0.1);
  });

  it("goes on after an interruption exactly as if there had been none", async () => {
    const path = join(folder, "resume.ckpt");
    await using whole = await open();
    const unbroken = await toyFit(whole);
    const controller = new AbortController();
    await using first = await open();
    const checkpoint = { path, everySteps: 1000, resume: true, key: "seed 7" };
    const error = await failure(
      toyFit(first, {
        checkpoint,
        signal: controller.signal,
        onProgress: () => {
          if (first.stepIndex === 11) controller.abort();
        },
      }),
    );
    expect(error.code).toBe("INTERRUPTED");
    expect(error.hint).toContain(path);
    await using second = await open();
    const rest = await toyFit(second, { checkpoint });
    expect(rest.steps).toBe(30);
    expect(rest.history).toEqual(unbroken.history);
    expect(second.stepIndex).toBe(30);
    for (const name of step.state)
      expect([name, second.state[name]]).toEqual([name, whole.state[name]]);
    expect(existsSync(path)).toBe(false);
  });

  it("passes a finished fit by when its checkpoint was kept", async () => {
    const checkpoint = {
      path: join(folder, "kept.ckpt"),
      everySteps: 1000,
      resume: true,
      keep: true,
    };
    await using first = await open();
    const done = await toyFit(first, { checkpoint });
    await using second = await open();
    const again = await toyFit(second, { checkpoint });
    expect(again).toMatchObject({ steps: 30, history: done.history });
    expect(again.cpuSeconds).toBeCloseTo(done.cpuSeconds, 0);
    for (const name of step.state)
      expect([name, second.state[name]]).toEqual([name, first.state[name]]);
  });

  it("writes a checkpoint at its interval", async () => {
    const path = join(folder, "interval.ckpt");
    await using trainer = await open();
    const kept: number[] = [];
    await toyFit(trainer, {
      checkpoint: { path, everySteps: 10 },
      onProgress: () => {
        if (existsSync(path)) kept.push(trainer.stepIndex);
      },
    });
    expect(kept[0]).toBe(10);
  });

  it("passes on what a batch throws", async () => {
    await using trainer = await open();
    const broken = new EdgeDistillError("IMAGE_CORRUPT", "a.png is damaged");
    const error = await failure(
      toyFit(trainer, {
        batch: (i) => (i < 3 ? Promise.resolve(toyBatch(i)) : Promise.reject(broken)),
      }),
    );
    expect(error).toBe(broken);
  });

  it("stops when training diverges, naming step, metric and weight", async () => {
    await using trainer = await open();
    const error = await failure(
      toyFit(trainer, { schedule: constantRate(1e30), budget: { steps: 50 } }),
    );
    expect(error.code).toBe("TRAIN_DIVERGED");
    expect(error.message).toMatch(
      /at step \d+: loss is (NaN|Infinity), and so is the weight "[a-z.]+"/,
    );
    expect(error.details["step"]).toBe(trainer.stepIndex);
  });

  it("refuses a second step before the first one ended", async () => {
    await using trainer = await open();
    const first = trainer.run(toyBatch(0), 0);
    expect((await failure(trainer.run(toyBatch(1), 0))).code).toBe("INTERNAL");
    await first;
  });
});

describe("schedules", () => {
  it("warms up, peaks, and falls to the floor along a cosine", () => {
    const rate = warmupCosine({ peak: 1, warmup: 0.1, floor: 0.02 });
    expect(rate(0.05)).toBeCloseTo(0.5, 6);
    expect(rate(0.1)).toBeCloseTo(1, 6);
    expect(rate(0.55)).toBeCloseTo(0.51, 6);
    expect(rate(1)).toBeCloseTo(0.02, 6);
    expect(rate(0)).toBeGreaterThan(0);
    expect(constantRate(3)(0.7)).toBe(3);
  });
});

describe("checkpoints", () => {
  it("refuses a damaged file, one of another graph and one of another run", async () => {
    await using trainer = await open();
    await trainer.run(toyBatch(0), 0.01);
    const path = join(folder, "bad.ckpt");
    await writeCheckpoint(path, trainer, { key: "a" });
    expect((await readCheckpoint(path, step.model, { key: "a" })).stepIndex).toBe(1);
    const other = await failure(readCheckpoint(path, toyStep({ ema: 0.5 }).model, { key: "a" }));
    expect(other.message).toContain("another training graph");
    const run = await failure(readCheckpoint(path, step.model, { key: "b" }));
    expect(run.message).toContain('another run ("a", this is "b")');
    const bytes = await readFile(path);
    for (const damaged of [
      bytes.subarray(0, bytes.length - 100),
      bytes.subarray(0, 5),
      flipped(bytes),
    ]) {
      await writeFile(path, damaged);
      const error = await failure(readCheckpoint(path, step.model, { key: "a" }));
      expect(error.code).toBe("CHECKPOINT_CORRUPT");
      expect(error.message).toContain(path);
    }
    expect((await failure(readCheckpoint(join(folder, "none"), step.model))).code).toBe(
      "IO_NOT_FOUND",
    );
  });

  it("leaves a whole file when the process is killed at any moment", async () => {
    const path = join(folder, "killed.ckpt");
    const child = fork(fileURLToPath(new URL("write-forever.ts", import.meta.url)), [path], {
      execArgv: ["--import", "tsx"],
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let written = -1;
    child.on("message", (i) => {
      written = Number(i);
      // inside a later write, not on its edge
      if (written >= 20) setTimeout(() => child.kill("SIGKILL"), 1.5);
    });
    await ended;
    expect(child.signalCode).toBe("SIGKILL");
    expect((await readCheckpoint(path, step.model)).stepIndex).toBeGreaterThan(written);
  });
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 1, copy.length >> 1);
  return copy;
}
