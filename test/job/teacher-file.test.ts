import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { composeTeacher, detectionStep, exportDetector } from "../../src/distill/index.js";
import { IMAGENET_NORMALIZATION, inputSpec } from "../../src/image/index.js";
import { loadTeacher } from "../../src/job/teacher-file.js";
import { createBuilder, saveModel } from "../../src/onnx/index.js";
import { architecture } from "../../src/students/index.js";
import { initialState, weightsOf } from "../../src/train/index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-teacher-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const size = { widthPx: 64, heightPx: 64 };
const shape = { architecture: architecture("n"), classCount: 2, ...size, batch: 4 };

describe("loadTeacher", () => {
  it("takes the teaching graph of an earlier job with the pixels that it was trained on", async () => {
    const step = detectionStep(shape);
    const model = exportDetector({
      ...shape,
      weights: weightsOf(step, initialState(step)),
      batch: "N",
      features: true,
    });
    const path = join(folder, "teaching.onnx");
    await saveModel(model, path);
    const loaded = await loadTeacher(path);
    expect(loaded.input).toEqual(inputSpec(size));
    const { feeds } = composeTeacher(loaded.model, loaded.input, shape, path);
    expect(feeds).toMatchObject({ detections: true, features: { columns: 8, rows: 8 } });
  });

  it("normalizes for any other file as for everyday photos, and as the config says above all", async () => {
    const b = createBuilder({ opset: 17 });
    b.output(b.op("Relu", [b.input("x", "float32", ["N", 3, 64, 64])]), "y");
    const path = join(folder, "other.onnx");
    await saveModel(b.model(), path);
    expect((await loadTeacher(path)).input).toEqual(
      inputSpec({ ...IMAGENET_NORMALIZATION, ...size }),
    );
    expect((await loadTeacher(path, { mean: [1, 2, 3] })).input.mean).toEqual([1, 2, 3]);
  });
});
