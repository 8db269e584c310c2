import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import { composeTeacher, openTeacher } from "../../src/distill/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { IMAGENET_NORMALIZATION, inputSpec } from "../../src/image/index.js";
import { createBuilder, int, ints, loadModel, type Model } from "../../src/onnx/index.js";
import type { HostTensor } from "../../src/tensor/index.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

const MOBILENET = "models/mobilenetv2_backbone_fp32/mobilenetv2_backbone_fp32.onnx";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
});
afterAll(() => engine.close());

const view = { widthPx: 64, heightPx: 64, classCount: 2, batch: 2 };

/** Images whose pixel at (x, y) of channel c of image n is known. */
function ramp(widthPx = 64, heightPx = 64): HostTensor {
  const data = new Uint8Array(2 * heightPx * widthPx * 3);
  for (let n = 0, at = 0; n < 2; n++)
    for (let y = 0; y < heightPx; y++)
      for (let x = 0; x < widthPx; x++)
        for (let c = 0; c < 3; c++) data[at++] = (40 * n + 2 * x + y + 10 * c) % 256;
  return { dtype: "uint8", dims: [2, heightPx, widthPx, 3], data };
}

/** A teacher that puts its input out as a feature map, averaged over `stride` pixels. */
function echo(dims: readonly (number | string)[], stride = 8): Model {
  const b = createBuilder({ opset: 17 });
  const x = b.input("x", "float32", dims);
  const y = b.op("AveragePool", [x], {
    kernel_shape: ints([stride, stride]),
    strides: ints([stride, stride]),
  });
  b.output(y, "features");
  return b.model();
}

function refusal(model: Model): EdgeDistillError {
  try {
    composeTeacher(model, inputSpec({ widthPx: 64, heightPx: 64 }), view, "big.onnx");
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have been refused");
}

describe("composeTeacher", () => {
  it("gives the teacher its own normalization and channel order", async () => {
    const spec = inputSpec({
      widthPx: 64,
      heightPx: 64,
      channels: "bgr",
      mean: [10, 20, 30],
      scale: [0.5, 0.25, 0.125],
    });
    await using teacher = await openTeacher(echo(["N", 3, 64, 64]), { engine, input: spec, view });
    expect(teacher.feeds.features).toEqual({ channels: 3, columns: 8, rows: 8 });
    const features = (await teacher.run(ramp()))["teacher.features"];
    // the mean of a ramp over a cell is the ramp at the cell's middle, as long as nothing wraps around
    const at = (n: number, c: number, row: number, column: number): number =>
      Number(features?.data[((n * 3 + c) * 8 + row) * 8 + column]);
    const middle = (n: number, channel: number, row: number, column: number): number =>
      40 * n + 2 * (8 * column + 3.5) + (8 * row + 3.5) + 10 * channel;
    expect(at(0, 0, 1, 2)).toBeCloseTo((middle(0, 2, 1, 2) - 10) * 0.5, 3);
    expect(at(1, 2, 4, 0)).toBeCloseTo((middle(1, 0, 4, 0) - 30) * 0.125, 3);
  });

  it("letterboxes into a teacher of another size, and brings its map to the nearest of the student's levels", async () => {
    const spec = inputSpec({ widthPx: 96, heightPx: 96, mean: [0, 0, 0], scale: [1, 1, 1] });
    const wide = { ...view, heightPx: 32 };
    await using teacher = await openTeacher(echo(["N", 3, 96, 96], 6), {
      engine,
      input: spec,
      view: wide,
    });
    // 16 rows of the teacher against the student's 4, 2, 1
    expect(teacher.feeds.features).toEqual({ channels: 3, columns: 8, rows: 4 });
    const features = (await teacher.run(ramp(64, 32)))["teacher.features"];
    expect(features?.dims).toEqual([2, 3, 4, 8]);
    // 64x32 in 96x96 fills the middle 48 of 96 rows: the outer quarters are padding
    expect(features?.data[0]).toBeCloseTo(spec.padValue, 3);
  });

  it("asks a teacher of fixed batch image by image", async () => {
    const spec = inputSpec({ widthPx: 64, heightPx: 64 });
    const run = async (model: Model): Promise<unknown> => {
      await using teacher = await openTeacher(model, { engine, input: spec, view });
      return (await teacher.run(ramp()))["teacher.features"];
    };
    const free = await run(echo(["N", 3, 64, 64]));
    // smaller than the student's batch of two, larger, and one that does not go into it
    for (const batch of [1, 3, 5]) expect(await run(echo([batch, 3, 64, 64]))).toEqual(free);
  });

  it("takes cells of the student's own grid for detections, and a vector for an embedding with the map behind it", () => {
    const b = createBuilder({ opset: 17 });
    const x = b.input("x", "float32", ["N", 3, 64, 64]);
    const map = b.op("MaxPool", [x], { kernel_shape: ints([32, 32]), strides: ints([32, 32]) });
    b.output(b.op("Flatten", [b.op("GlobalAveragePool", [map])], { axis: int(1) }), "vector");
    const cells = 64 + 16 + 4;
    const flat = b.op("Reshape", [x, b.i64([0, -1, 6])]);
    b.output(
      b.op("Slice", [flat, b.i64([0]), b.i64([cells]), b.i64([1])]),
      "anything [N, A, 4 + C]",
    );
    const { feeds, description } = composeTeacher(
      b.model(),
      inputSpec({ widthPx: 64, heightPx: 64 }),
      view,
    );
    expect(feeds).toEqual({
      detections: true,
      embedding: 3,
      features: { channels: 3, columns: 2, rows: 2 },
    });
    expect(description).toContain("detections");
    expect(description).toContain("3-channel map");
  });

  it("refuses an old opset, several inputs and a graph with nothing to teach, naming the file", () => {
    const old = createBuilder({ opset: 9 });
    old.output(old.op("Relu", [old.input("x", "float32", ["N", 3, 64, 64])]), "y");
    const two = createBuilder({ opset: 17 });
    const [a, c] = ["a", "c"].map((name) => two.input(name, "float32", ["N", 3, 64, 64]));
    two.output(two.op("Add", [a ?? null, c ?? null]), "y");
    const none = createBuilder({ opset: 17 });
    none.output(none.op("Shape", [none.input("x", "float32", ["N", 3, 64, 64])]), "y");
    const facts = [old, two, none].map((b) => refusal(b.model()));
    for (const error of facts) {
      expect(error.code).toBe("ONNX_UNSUPPORTED");
      expect(error.message).toContain("big.onnx");
      expect(error.hint).toContain("Export");
    }
    expect(facts.map(({ message }) => message).join("\n")).toMatch(
      /opset 9 is older than 11[\s\S]*2 inputs[\s\S]*no output is a feature map/,
    );
  });

  it.skipIf(!hasData(MOBILENET))(
    "finds the map behind the pooled vector of a real backbone",
    async () => {
      const model = await loadModel(`${DATA_FOLDER}/${MOBILENET}`);
      const { feeds } = composeTeacher(
        model,
        inputSpec({ ...IMAGENET_NORMALIZATION, widthPx: 224, heightPx: 224 }),
        { ...view, widthPx: 224, heightPx: 224 },
      );
      expect(feeds.features).toMatchObject({ columns: 7, rows: 7 });
      expect(feeds.embedding).toBe(feeds.features?.channels);
    },
  );
});
