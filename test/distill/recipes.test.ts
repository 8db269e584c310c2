import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import {
  detectionStep,
  distilDetector,
  distillationStep,
  exportDetector,
  openTeacher,
  pretrainOnCorruptions,
  trainDetector,
  type RecipeOptions,
  type RecipeResult,
  type StepShape,
} from "../../src/distill/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { inputSpec } from "../../src/image/index.js";
import { anchorGrid, architecture } from "../../src/students/index.js";
import type { HostTensor } from "../../src/tensor/index.js";
import { Trainer } from "../../src/train/index.js";
import { SIDE_PX, squares } from "./squares.js";

const size = { widthPx: SIDE_PX, heightPx: SIDE_PX };
const shape: StepShape = { architecture: architecture("n"), classCount: 2, ...size, batch: 4 };
const wide: StepShape = { ...shape, architecture: architecture("teacher") };

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openEngine({ kind: "worker" });
  folder = await mkdtemp(join(tmpdir(), "edge-distill-recipes-"));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const options = (more: Partial<RecipeOptions> = {}): RecipeOptions => ({
  engine,
  shape,
  budget: { steps: 12 },
  learningRate: 4e-3,
  seed: 5,
  threads: 1,
  stage: "test",
  ...more,
});

const losses = ({ fit }: RecipeResult): number[] => fit.history.map((m) => m["loss"] ?? NaN);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

describe("recipes", () => {
  it("learn from labels: the loss of the last steps is well below the first ones", async () => {
    const result = await trainDetector(squares(12), options({ budget: { steps: 40 } }));
    const all = losses(result);
    expect(mean(all.slice(-8))).toBeLessThan(0.7 * mean(all.slice(0, 8)));
    expect(result.parameterCount).toBeGreaterThan(6e5);
  });

  it("hand what was pre-trained without labels on to a detector, but for the class outputs", async () => {
    const pretrained = await pretrainOnCorruptions(squares(8, { marked: 0 }), options());
    const from = pretrained.weights;
    const { weights } = await trainDetector(
      squares(8),
      options({ from, budget: { steps: 1 }, learningRate: 1e-9 }),
    );
    const stem = [...from.keys()].find((name) => name.includes("stem")) ?? "";
    expect(weights.get(stem)?.data[0]).toBeCloseTo(from.get(stem)?.data[0] ?? NaN, 6);
    const cls = [...weights.keys()].find((name) => name.includes("cls")) ?? "";
    expect(weights.get(cls)?.dims[0]).toBe(2);
  });

  it("distil a wider detector into a student cut out of it, marked and unmarked images mixed", async () => {
    const taught = await trainDetector(squares(8), options({ shape: wide }));
    const model = exportDetector({
      weights: taught.weights,
      architecture: wide.architecture,
      classCount: 2,
      ...size,
      batch: "N",
      features: true,
    });
    await using teacher = await openTeacher(model, {
      engine,
      input: inputSpec(size),
      view: shape,
      threads: 1,
    });
    expect(teacher.feeds).toMatchObject({ detections: true, features: { columns: 8, rows: 8 } });
    const result = await distilDetector(
      squares(12, { marked: 4 }),
      teacher,
      options({ fromWider: taught.weights }),
    );
    const terms = ["box", "classification", "features", "response", "responseBox"];
    for (const metrics of result.fit.history)
      expect(terms.map((term) => metrics[term] ?? 0).every((value) => value > 0)).toBe(true);
    expect(losses(result).every(Number.isFinite)).toBe(true);
  });

  it("go on after an interruption as if there had been none, and refuse another run's file", async () => {
    const unbroken = await trainDetector(squares(8), options());
    const checkpoint = { path: join(folder, "run.ckpt"), key: "one" };
    const controller = new AbortController();
    let steps = 0;
    await expect(
      trainDetector(
        squares(8),
        options({
          checkpoint,
          signal: controller.signal,
          onProgress: () => {
            if (++steps === 5) controller.abort();
          },
        }),
      ),
    ).rejects.toMatchObject({ code: "INTERRUPTED" });
    const resumed = await trainDetector(squares(8), options({ checkpoint }));
    expect(losses(resumed)).toEqual(losses(unbroken));
    const again = await trainDetector(squares(8), options({ checkpoint }));
    expect(again.weights).toEqual(resumed.weights);
    const other = trainDetector(squares(8), options({ checkpoint: { ...checkpoint, key: "two" } }));
    await expect(other).rejects.toBeInstanceOf(EdgeDistillError);
    await expect(other).rejects.toMatchObject({ code: "CHECKPOINT_CORRUPT" });
  });
});

describe("distillationStep", () => {
  const cells = anchorGrid(size).count;
  const tensor = (dims: readonly number[]): HostTensor => ({
    dtype: "float32",
    dims,
    data: new Float32Array(dims.reduce((a, b) => a * b, 1)),
  });
  const feeds = (known: readonly number[]): Record<string, HostTensor> => ({
    images: {
      dtype: "uint8",
      dims: [4, SIDE_PX, SIDE_PX, 3],
      data: squares(4).pixels,
    },
    classes: tensor([4, cells, 2]),
    distances: tensor([4, cells, 4]),
    positive: tensor([4, cells, 1]),
    known: { dtype: "float32", dims: [4, 1, 1], data: Float32Array.from(known) },
    "teacher.embedding": tensor([4, 3]),
  });
  const classification = async (known: readonly number[]): Promise<number> => {
    const step = distillationStep(shape, { detections: false, embedding: 3 });
    await using trainer = await Trainer.open(step, { engine, seed: 1, threads: 1 });
    return (await trainer.run(feeds(known), 0))["classification"] ?? NaN;
  };

  it("takes an unmarked cell for background only where every object is known", async () => {
    expect(await classification([0, 0, 0, 0])).toBe(0);
    const all = await classification([1, 1, 1, 1]);
    const half = await classification([1, 0, 1, 0]);
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(all);
  });

  it("has the parameters of the supervised step, and heads of its own to throw away", () => {
    const names = (step: { parameters: { specs: readonly { name: string }[] } }): string[] =>
      step.parameters.specs.map(({ name }) => name);
    const plain = names(detectionStep(shape));
    const distilling = names(distillationStep(shape, { detections: false, embedding: 3 }));
    expect(distilling.filter((name) => !plain.includes(name))).toEqual(["projection.embedding"]);
  });
});
