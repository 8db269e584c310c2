import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { IMAGENET_NORMALIZATION, inputSpec, prepareInput } from "../../src/image/index.js";
import { float32, zeros, type HostTensor } from "../../src/tensor/index.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

const DATA = DATA_FOLDER;
const MODELS = join(DATA, "models");
const SQUEEZENET = join(MODELS, "squeezenet1_1_fp32");

/** Reads a little-endian float32 array in NumPy's format, version 1. */
async function readNpy(path: string): Promise<HostTensor<"float32">> {
  const bytes = await readFile(path);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, 10 + headerLength);
  expect(header).toContain("'descr': '<f4'");
  expect(header).toContain("'fortran_order': False");
  const dims = [...(/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").matchAll(/\d+/g)].map(Number);
  return float32(dims, new Float32Array(Uint8Array.from(bytes.subarray(10 + headerLength)).buffer));
}

describe.skipIf(!hasData("models"))("real models", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine();
  });
  afterAll(async () => {
    await engine.close();
  });

  test("squeezenet gives its reference tensors", async () => {
    await using session = await engine.createSession(join(SQUEEZENET, "squeezenet1.1_fp32.onnx"));
    const [input, output] = [session.inputs[0]?.name ?? "", session.outputs[0]?.name ?? ""];
    for (const set of ["0", "1", "2"]) {
      const folder = join(SQUEEZENET, "test_data_set", set);
      const expected = await readNpy(join(folder, "output_0.npy"));
      const result = await session.run({ [input]: await readNpy(join(folder, "input_0.npy")) });
      const actual = result[output];
      expect(actual?.dims).toEqual(expected.dims);
      const worst = expected.data.reduce(
        (most, v, i) => Math.max(most, Math.abs(v - Number(actual?.data[i]))),
        0,
      );
      expect(worst).toBeLessThan(1e-3);
    }
  });

  test("mobilenetv2 takes a photo to a feature vector, the same in every worker", async () => {
    await using pool = await openEngine({ workers: 2 });
    await using session = await pool.createSession(
      join(MODELS, "mobilenetv2_backbone_fp32/mobilenetv2_backbone_fp32.onnx"),
    );
    const [input, output] = [session.inputs[0], session.outputs[0]?.name ?? ""];
    expect(input?.dims.slice(1)).toEqual([3, 224, 224]);
    const spec = inputSpec({ widthPx: 224, heightPx: 224, ...IMAGENET_NORMALIZATION });
    const pixels = new Uint8Array(300 * 200 * 3).map((_, i) => (i * 7) % 251);
    const { tensor } = await prepareInput({ pixels, widthPx: 300, heightPx: 200 }, spec);
    const runs = await Promise.all(
      Array.from({ length: 6 }, () => session.run({ [input?.name ?? ""]: tensor })),
    );
    const features = runs.map((run) => run[output]);
    expect(features[0]?.dims).toEqual([1, 1280]);
    for (const other of features.slice(1)) expect(other).toEqual(features[0]);
  });

  test("yolox_nano refuses a picture of another size, by name", async () => {
    await using session = await engine.createSession(
      join(MODELS, "yolox_nano/yolox_nano_416x416.onnx"),
    );
    await expect(session.run({ images: zeros("float32", [1, 3, 640, 640]) })).rejects.toMatchObject(
      {
        code: "ENGINE_FEED",
        message: expect.stringMatching(
          /"images".*\[1, 3, 416, 416\].*\[1, 3, 640, 640\]/,
        ) as string,
      },
    );
    const result = await session.run({ images: zeros("float32", [1, 3, 416, 416]) });
    expect(Object.values(result)[0]?.dims).toEqual([1, 3549, 85]);
  });

  test("a truncated download is named as such", async () => {
    const bytes = await readFile(join(MODELS, "yolox_nano/yolox_nano_416x416.onnx"));
    await expect(
      engine.createSession(bytes.subarray(0, bytes.length >> 1), { name: "yolox_nano.onnx" }),
    ).rejects.toMatchObject({
      code: "ONNX_CORRUPT",
      message: expect.stringContaining("yolox_nano.onnx") as string,
    });
  });
});
