import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  cloneModel,
  createBuilder,
  int,
  ints,
  parseModel,
  serializeModel,
  type Model,
} from "../../src/onnx/index.js";
import {
  annotate,
  AUTO_FLOAT_SHARE,
  calibrate,
  loadCalibrationPreset,
  multiplyAccumulates,
  planFor,
  plannedValues,
  prepare,
  quantizeVariants,
  type CalibrationPreset,
} from "../../src/quantize/index.js";
import { float32, zeros } from "../../src/tensor/index.js";
import { classifierNet, feeds, residualNet, sketch } from "./graphs.js";

let engine: Engine;
let preset: CalibrationPreset;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
  preset = { ...(await loadCalibrationPreset("default")), sampleCount: 8, bins: 512 };
});
afterAll(() => engine.close());

const code = (c: string, message?: string): unknown =>
  expect.objectContaining({
    code: c,
    ...(message === undefined ? {} : { message: expect.stringContaining(message) as string }),
  });

describe("prepare", () => {
  it("folds BatchNormalization, Constant and Identity away and computes the same", async () => {
    const s = sketch("bn");
    const bn = (values: number[]) => s.b.initializer("bn", float32([16], values));
    const x = s.b.op("BatchNormalization", [
      s.conv(s.image, 16),
      bn(Array.from({ length: 16 }, (_, i) => 1 + i / 16)),
      bn(Array.from({ length: 16 }, (_, i) => i / 8)),
      bn(Array.from({ length: 16 }, (_, i) => i / 4)),
      bn(Array.from({ length: 16 }, (_, i) => 2 + i)),
    ]);
    s.b.output(s.b.op("Relu", [s.b.op("Identity", [x])]), "result");
    const model = s.b.model();
    const prepared = prepare(model);
    expect(prepared.graph.nodes.map((n) => n.op)).toEqual(["Conv", "Relu"]);
    expect(model.graph.nodes).toHaveLength(4);
    await using a = await engine.createSession(serializeModel(model));
    await using b = await engine.createSession(serializeModel(prepared));
    for (const feed of feeds(1)) {
      const [expected, actual] = [(await a.run(feed))["result"], (await b.run(feed))["result"]];
      actual?.data.forEach((v, i) => {
        expect(Number(v)).toBeCloseTo(Number(expected?.data[i]), 4);
      });
    }
  });

  it("refuses a quantized model by its node", async () => {
    const { variants } = await quantizeVariants(serializeModel(residualNet()), {
      engine,
      preset,
      calibrationSamples: feeds(8),
      precisions: ["int8"],
      targets: ["tensorrt"],
    });
    const int8 = parseModel(variants[0]?.bytes ?? new Uint8Array());
    expect(() => prepare(int8)).toThrowError(code("QUANTIZE_ALREADY_QUANTIZED", "QuantizeLinear"));
  });
});

describe("opsets", () => {
  function oldModel(opset: number): Model {
    const b = createBuilder({ opset: 17 });
    const x = b.input("image", "float32", [1, 4, 8, 8]);
    const w = b.initializer(
      "w",
      float32(
        [4, 4, 1, 1],
        Array.from({ length: 16 }, (_, i) => i / 16),
      ),
    );
    const squeezed = b.op("Squeeze", [
      b.op("ReduceSum", [b.op("Conv", [x, w]), b.i64([2])], { keepdims: int(1) }),
      b.i64([2]),
    ]);
    b.output(b.op("Softmax", [squeezed], { axis: int(-1) }), "result");
    const model = b.model();
    for (const node of model.graph.nodes) {
      if (node.op !== "Squeeze" && node.op !== "ReduceSum") continue;
      // the older form: axes are an attribute
      const bare = new Map(node.attributes);
      bare.set("axes", ints([2]));
      const [input] = node.inputs;
      const [output] = node.outputs;
      const at = model.graph.nodes.indexOf(node);
      const next = model.graph.nodes[at + 1];
      if (!output) continue;
      const readers = [...output.uses()];
      node.detach();
      model.graph.removeAll(new Set([node]));
      model.graph.addNode(
        {
          op: node.op,
          name: node.op,
          inputs: [input ?? null],
          outputs: [output],
          attributes: Object.fromEntries(bare),
        },
        next ? { before: next } : {},
      );
      expect(output.uses()).toEqual(readers);
    }
    for (const node of model.graph.nodes)
      if (node.op === "Softmax") node.attributes.set("axis", int(opset < 13 ? 2 : -1));
    model.opsets.set("", opset);
    return model;
  }

  it("raises 11 to 13 and computes the same", async () => {
    const old = oldModel(11);
    const raised = prepare(old);
    expect(raised.opsets.get("")).toBe(13);
    await using a = await engine.createSession(serializeModel(old));
    await using b = await engine.createSession(serializeModel(raised));
    const image = zeros("float32", [1, 4, 8, 8]);
    image.data.forEach((_, i) => {
      image.data[i] = Math.sin(i);
    });
    const [expected, actual] = [
      (await a.run({ image }))["result"],
      (await b.run({ image }))["result"],
    ];
    expect(actual?.dims).toEqual([1, 4, 8]);
    expect(actual).toEqual(expected);
  });

  it("refuses what is older, naming both versions", () => {
    expect(() => prepare(oldModel(10))).toThrowError(code("QUANTIZE_OPSET", "opset 10"));
    expect(() => prepare(oldModel(10))).toThrowError(code("QUANTIZE_OPSET", "need opset 13"));
  });

  it("refuses a Softmax over several axes by its node", () => {
    const old = oldModel(11);
    const softmax = old.graph.nodes.find((n) => n.op === "Softmax");
    softmax?.attributes.set("axis", int(1));
    expect(() => prepare(old)).toThrowError(
      code("QUANTIZE_OPSET", `"${softmax?.name ?? "?"}" (Softmax)`),
    );
  });
});

describe("annotate", () => {
  it("counts multiply-accumulates by hand-computed values", () => {
    const macs = multiplyAccumulates(prepare(classifierNet()));
    // 16x16 → 8x8, 16 → 32 channels, 3x3; again 32 → 32; 32 x 20
    expect([...macs.values()]).toEqual([8 * 8 * 32 * 16 * 9, 8 * 8 * 32 * 32 * 9, 640]);
  });

  it("assumes the shapes given where the model leaves them free", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", ["N", 3, "H", "W"]);
    const w = b.initializer("w", zeros("float32", [4, 3, 1, 1]));
    b.output(b.op("Conv", [x, w]), "y");
    expect(multiplyAccumulates(b.model()).size).toBe(0);
    expect([
      ...multiplyAccumulates(b.model(), { inputDims: { x: [2, 3, 5, 7] } }).values(),
    ]).toEqual([5 * 7 * 4 * 3]);
  });

  it("leaves a cheap head float and quantizes an expensive one", () => {
    const cheap = annotate(prepare(classifierNet()));
    expect([...cheap.float].map(([n, why]) => [n.op, why])).toEqual([
      ["Gemm", "computes an output of the head"],
    ]);
    const dear = annotate(prepare(residualNet()));
    // a 1x1 convolution of 46 x 9 + 1: 2 % of all; a 3x3 head is dear
    expect(dear.float.size).toBe(1);
    const s = sketch("dear");
    s.b.output(s.conv(s.relu(s.conv(s.image, 16)), 16), "result");
    expect(annotate(prepare(s.b.model())).float.size).toBe(0);
    expect(AUTO_FLOAT_SHARE).toBeLessThan(0.1);
  });

  it("keeps float what is asked for, and says so", () => {
    const model = prepare(residualNet());
    const second = model.graph.nodes.filter((n) => n.op === "Conv")[1];
    const { float, weighted } = annotate(model, {
      keepFloat: (n) => n === second,
      headOutputs: "int8",
    });
    expect([...float.keys()]).toEqual([second]);
    expect(weighted.size).toBe(5);
  });

  it("refuses a model without anything to quantize", () => {
    const b = createBuilder();
    b.output(b.op("Relu", [b.input("x", "float32", [1, 4])]), "y");
    expect(() => annotate(b.model())).toThrowError(code("QUANTIZE_NOTHING"));
  });

  it("gives TensorRT no thin convolution", () => {
    const s = sketch("thin", { channels: 3 });
    s.b.output(s.conv(s.relu(s.conv(s.image, 16)), 16), "result");
    const annotation = annotate(prepare(s.b.model()));
    expect(planFor(annotation, "ort-cpu").weighted.size).toBe(2);
    const plan = planFor(annotation, "tensorrt");
    expect(plan.weighted.size).toBe(1);
    expect([...plan.float.values()]).toEqual(["has fewer than 16 input or output channels"]);
  });
});

describe("calibrate", () => {
  const annotation = () => annotate(prepare(residualNet()));

  it("gives the same ranges and identity for the same images, however they are fetched", async () => {
    const a = annotation();
    const values = plannedValues(planFor(a, "ort-cpu"));
    const one = await calibrate(a.model, feeds(8), { engine, preset, values });
    const other = await calibrate(a.model, feeds(20), {
      engine,
      preset,
      values,
      maxFetchMiB: 0.02,
    });
    expect(one).toEqual(other);
    expect(one.identity).toMatchObject({ preset: "default", method: "mse", samples: 8 });
    expect(one.identity.imagesSha256).toMatch(/^[0-9a-f]{64}$/);
    expect([...one.ranges.keys()]).toEqual(values.map((v) => v.name));
    const third = await calibrate(a.model, feeds(8, { seed: "other" }), { engine, preset, values });
    expect(third.identity.imagesSha256).not.toBe(one.identity.imagesSha256);
  });

  it("reports channel means and what is clipped", async () => {
    const a = annotation();
    const [image] = a.model.graph.inputs;
    const { ranges } = await calibrate(a.model, feeds(8), {
      engine,
      preset,
      values: image ? [image] : [],
    });
    const range = ranges.get("image");
    expect(range?.channelMeans).toHaveLength(16);
    for (const mean of range?.channelMeans ?? []) expect(mean).toBeCloseTo(0.5, 1);
    expect(range?.clippedShare).toBeLessThan(0.01);
  });

  it("refuses fewer than 8 images unless told", async () => {
    const a = annotation();
    const values = plannedValues(planFor(a, "ort-cpu"));
    await expect(calibrate(a.model, feeds(7), { engine, preset, values })).rejects.toEqual(
      code("QUANTIZE_TOO_FEW_SAMPLES", "7"),
    );
    await expect(
      calibrate(a.model, feeds(2), { engine, preset, values, minimumSamples: 1 }),
    ).resolves.toBeDefined();
  });

  it("names tensor and node that are not finite", async () => {
    const s = sketch("log");
    const x = s.b.op("Log", [s.conv(s.image, 16, { name: "first" })], {}, { name: "logarithm" });
    s.b.output(s.conv(x, 16, { name: "second" }), "result");
    const a = annotate(prepare(s.b.model()), { headOutputs: "int8" });
    const values = plannedValues(planFor(a, "ort-cpu"));
    await expect(calibrate(a.model, feeds(8), { engine, preset, values })).rejects.toEqual(
      code("QUANTIZE_NON_FINITE", '"logarithm" (Log)'),
    );
  });

  it("stops when told to", async () => {
    const a = annotation();
    const controller = new AbortController();
    const values = plannedValues(planFor(a, "ort-cpu"));
    await expect(
      calibrate(a.model, feeds(8), {
        engine,
        preset,
        values,
        signal: controller.signal,
        onProgress: () => {
          controller.abort();
        },
      }),
    ).rejects.toEqual(code("INTERRUPTED"));
  });
});

describe("quantizeVariants", () => {
  it("makes every variant, audits what can be, says what is float", async () => {
    const stages = new Set<string>();
    const source = serializeModel(residualNet());
    const { variants, calibration } = await quantizeVariants(source, {
      engine,
      preset,
      calibrationSamples: feeds(8),
      onProgress: (p) => stages.add(p.stage),
    });
    expect(variants.map(({ bytes: _, integerMacShare: __, notes: ___, ...v }) => v)).toEqual([
      { name: "fp32", precision: "fp32", target: "any", integerConvs: [0, 6], audited: true },
      { name: "fp16", precision: "fp16", target: "any", integerConvs: [0, 6], audited: false },
      {
        name: "int8-ort-cpu",
        precision: "int8",
        target: "ort-cpu",
        integerConvs: [5, 6],
        audited: true,
      },
      {
        name: "int8-tensorrt",
        precision: "int8",
        target: "tensorrt",
        integerConvs: [5, 6],
        audited: false,
      },
    ]);
    const [fp32, fp16, ort, trt] = variants;
    expect(ort?.integerMacShare).toBeCloseTo(45 / 46, 6);
    expect(trt?.integerMacShare).toBeCloseTo(45 / 46, 6);
    expect(ort?.notes).toEqual([
      expect.stringMatching(/^1 nodes stay float: computes an output of the head, 2\.2 %/),
    ]);
    expect(trt?.notes[0]).toBe("not yet run on TensorRT");
    expect(fp16?.bytes.length).toBeLessThan((fp32?.bytes.length ?? 0) * 0.7);
    expect(calibration?.samples).toBe(8);
    expect([...stages]).toEqual([
      "fp32",
      "fp16",
      "calibrate",
      "int8-ort-cpu",
      "int8-tensorrt",
      "quantized",
    ]);
    for (const { bytes } of variants) {
      await using session = await engine.createSession(bytes);
      for (const feed of feeds(1))
        expect((await session.run(feed))["result"]?.dims).toEqual([1, 16, 16, 16]);
    }
  });

  it("leaves the given model alone and needs no images for float", async () => {
    const model = residualNet();
    const before = serializeModel(cloneModel(model));
    const { variants, calibration } = await quantizeVariants(before, {
      engine,
      precisions: ["fp32", "fp16"],
    });
    expect(variants).toHaveLength(2);
    expect(calibration).toBeUndefined();
    expect(serializeModel(parseModel(before))).toEqual(serializeModel(model));
  });
});
