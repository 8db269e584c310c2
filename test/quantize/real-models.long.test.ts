import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  IMAGENET_NORMALIZATION,
  inputSpec,
  prepareInput,
  type InputSpec,
} from "../../src/image/index.js";
import {
  lintOrtCpu,
  lintTensorRt,
  quantizeVariants,
  type Feeds,
  type Variant,
} from "../../src/quantize/index.js";
import { parseModel } from "../../src/onnx/index.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

const DATA = DATA_FOLDER;

const imagenet = inputSpec({ widthPx: 224, heightPx: 224, ...IMAGENET_NORMALIZATION });

async function* photos(
  split: string,
  input: string,
  spec: InputSpec,
  count = Infinity,
): AsyncGenerator<Feeds> {
  const folder = join(DATA, "coco/images", split);
  for (const file of readdirSync(folder).sort().slice(0, count))
    yield { [input]: (await prepareInput(await readFile(join(folder, file)), spec)).tensor };
}

describe.skipIf(!hasData("models") || !hasData("coco"))("quantizing real models", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine();
  });
  afterAll(() => engine.close());

  async function quantize(
    path: string,
    input: string,
    spec: InputSpec,
  ): Promise<Map<string, Variant>> {
    const bytes = await readFile(join(DATA, "models", path));
    const { variants } = await quantizeVariants(bytes, {
      engine,
      calibrationSamples: photos("train2017", input, spec),
      name: path,
    });
    const byName = new Map(variants.map((v) => [v.name, v]));
    const of = (name: string) => parseModel(byName.get(name)?.bytes ?? new Uint8Array());
    expect(lintOrtCpu(of("int8-ort-cpu"))).toEqual([]);
    expect(lintTensorRt(of("int8-tensorrt"))).toEqual([]);
    return byName;
  }

  /** Over validation photos: mean cosine with fp32, and share of equal arg-max. */
  async function agreement(
    variants: ReadonlyMap<string, Variant>,
    name: string,
    input: string,
    spec: InputSpec,
  ) {
    const load = (key: string) =>
      engine.createSession(variants.get(key)?.bytes ?? new Uint8Array());
    await using float = await load("fp32");
    await using other = await load(name);
    let [cosine, same, count] = [0, 0, 0];
    for await (const feed of photos("val2017", input, spec, 48)) {
      const [[a], [b]] = [
        Object.values(await float.run(feed)),
        Object.values(await other.run(feed)),
      ];
      const [x, y] = [a?.data as Float32Array, b?.data as Float32Array];
      let [xy, xx, yy] = [0, 0, 0];
      x.forEach((v, i) => {
        xy += v * (y[i] ?? 0);
        xx += v * v;
        yy += (y[i] ?? 0) ** 2;
      });
      cosine += xy / Math.sqrt(xx * yy);
      const top = (t: Float32Array) => t.reduce((best, v, i) => (v > (t[best] ?? 0) ? i : best), 0);
      if (top(x) === top(y)) same++;
      count++;
    }
    return { cosine: cosine / count, top1: same / count };
  }

  test(
    "squeezenet: all convolutions on integers, the same first choice on most photos",
    { timeout: 300_000 },
    async () => {
      const variants = await quantize(
        "squeezenet1_1_fp32/squeezenet1.1_fp32.onnx",
        "data",
        imagenet,
      );
      expect(variants.get("int8-ort-cpu")).toMatchObject({
        integerConvs: [26, 26],
        integerMacShare: 1,
        audited: true,
      });
      const { cosine, top1 } = await agreement(variants, "int8-ort-cpu", "data", imagenet);
      expect(cosine).toBeGreaterThan(0.999);
      expect(top1).toBeGreaterThan(0.8);
    },
  );

  test(
    "mobilenetv2: BatchNorm folded, all convolutions on integers, features keep their direction",
    { timeout: 300_000 },
    async () => {
      const variants = await quantize(
        "mobilenetv2_backbone_fp32/mobilenetv2_backbone_fp32.onnx",
        "data",
        imagenet,
      );
      expect(variants.get("int8-ort-cpu")).toMatchObject({
        integerConvs: [53, 53],
        integerMacShare: 1,
        audited: true,
      });
      expect((await agreement(variants, "int8-ort-cpu", "data", imagenet)).cosine).toBeGreaterThan(
        0.985,
      );
      expect((await agreement(variants, "int8-tensorrt", "data", imagenet)).cosine).toBeGreaterThan(
        0.96,
      );
    },
  );

  test(
    "yolox_nano, opset 11: all but the head's outputs on integers",
    { timeout: 300_000 },
    async () => {
      const spec = inputSpec({ widthPx: 416, heightPx: 416, channels: "bgr", scale: [1, 1, 1] });
      const variants = await quantize("yolox_nano/yolox_nano_416x416.onnx", "images", spec);
      const int8 = variants.get("int8-ort-cpu");
      expect(int8).toMatchObject({ integerConvs: [104, 113], audited: true });
      expect(int8?.integerMacShare).toBeGreaterThan(0.95);
      expect((await agreement(variants, "int8-ort-cpu", "images", spec)).cosine).toBeGreaterThan(
        0.9,
      );
    },
  );
});
