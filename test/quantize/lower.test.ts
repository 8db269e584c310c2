import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { parseModel, serializeModel, type Model, type Node } from "../../src/onnx/index.js";
import {
  annotate,
  audit,
  calibrate,
  layerSqnr,
  lintOrtCpu,
  lintTensorRt,
  loadCalibrationPreset,
  lowerForOrtCpu,
  lowerForTensorRt,
  planFor,
  plannedValues,
  prepare,
  type Annotation,
  type Calibration,
  type QuantizationTarget,
} from "../../src/quantize/index.js";
import { feeds, NETS } from "./graphs.js";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
});
afterAll(() => engine.close());

async function calibrated(
  name: string,
): Promise<{ annotation: Annotation; calibration: Calibration }> {
  const net = NETS[name];
  if (!net) throw new TypeError(name);
  const annotation = annotate(prepare(net()), { headOutputs: "float" });
  const values = ["ort-cpu", "tensorrt"].flatMap((t) =>
    plannedValues(planFor(annotation, t as QuantizationTarget)),
  );
  const preset = { ...(await loadCalibrationPreset("default")), sampleCount: 8, bins: 512 };
  return {
    annotation,
    calibration: await calibrate(annotation.model, feeds(8), {
      engine,
      preset,
      values: [...new Set(values)],
    }),
  };
}

async function lowered(
  name: string,
  target: QuantizationTarget,
): Promise<{ float: Model; model: Model }> {
  const { annotation, calibration } = await calibrated(name);
  const plan = planFor(annotation, target);
  const model =
    target === "ort-cpu" ? lowerForOrtCpu(plan, calibration) : lowerForTensorRt(plan, calibration);
  return { float: annotation.model, model: parseModel(serializeModel(model)) };
}

/** Signal-to-noise ratio of the one output, in dB. */
async function outputSqnr(float: Model, model: Model): Promise<number> {
  await using a = await engine.createSession(serializeModel(float));
  await using b = await engine.createSession(serializeModel(model));
  let signal = 0;
  let noise = 0;
  for (const feed of feeds(3, { seed: "probe" })) {
    const [x, y] = [(await a.run(feed))["result"], (await b.run(feed))["result"]];
    expect(y?.dims).toEqual(x?.dims);
    for (let i = 0; i < (x?.data.length ?? 0); i++) {
      signal += Number(x?.data[i]) ** 2;
      noise += (Number(x?.data[i]) - Number(y?.data[i])) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

const nodes = ({ graph }: Model, op: string): Node[] => graph.nodes.filter((n) => n.op === op);
const reads = (node: Node | undefined, index: number): string =>
  node?.inputs[index]?.producer()?.op ?? "";

describe.each(Object.keys(NETS))("%s net", (name) => {
  it("runs on integers in ONNX Runtime, close to its float self", async () => {
    const { float, model } = await lowered(name, "ort-cpu");
    expect(lintOrtCpu(model)).toEqual([]);
    const report = await audit(serializeModel(model), { engine });
    const heads = name === "classifier" ? 0 : 1;
    const [integer, all] = report.integerConvs;
    expect(all - integer).toBe(heads);
    // nothing but the head is left for a float kernel
    expect(report.operators.get("Relu") ?? 0).toBe(0);
    expect(report.operators.get("Add") ?? 0).toBe(0);
    expect(report.operators.get("Sigmoid") ?? 0).toBe(0);
    expect(await outputSqnr(float, model)).toBeGreaterThan(26);
  });

  it("keeps TensorRT's rules, close to its float self", async () => {
    const { float, model } = await lowered(name, "tensorrt");
    expect(lintTensorRt(model)).toEqual([]);
    for (const q of nodes(model, "QuantizeLinear")) expect(q.inputs[2]?.dtype).toBe("int8");
    expect(nodes(model, "QuantizeLinear").length).toBeGreaterThan(0);
    expect(await outputSqnr(float, model)).toBeGreaterThan(24);
  });
});

describe("lowering for TensorRT", () => {
  it("rounds the shortcut of a residual add, not the convolution's side", async () => {
    const { model } = await lowered("residual", "tensorrt");
    const adds = nodes(model, "Add");
    expect(adds).toHaveLength(2);
    for (const add of adds)
      expect([reads(add, 0), reads(add, 1)]).toEqual(["Conv", "DequantizeLinear"]);
  });

  it("takes the deeper of two convolutions for the main branch", async () => {
    const { model } = await lowered("downsample", "tensorrt");
    const [add] = nodes(model, "Add");
    // input 0 is the side branch
    expect([reads(add, 0), reads(add, 1)]).toEqual(["DequantizeLinear", "Conv"]);
  });

  it("gives inputs and output of a concatenation one scale, and leaves it raw inputs", async () => {
    const { model } = await lowered("pool", "tensorrt");
    const [concat] = nodes(model, "Concat");
    expect(concat?.inputs.map((v) => v?.producer()?.op)).toEqual(["Relu", "MaxPool", "MaxPool"]);
    const pairs = nodes(model, "QuantizeLinear").filter((q) => q.inputs[0]?.name !== "image");
    const ofPool = pairs.filter((q) =>
      ["Relu", "MaxPool", "Concat"].includes(q.inputs[0]?.producer()?.op ?? ""),
    );
    // the map, the first pool and the concatenation; the last Relu before the head has its own
    const scales = new Set(ofPool.map((q) => q.inputs[1]?.name));
    expect(ofPool.length - scales.size).toBe(2);
  });

  it("keeps biases in float and SiLU whole", async () => {
    const { model } = await lowered("silu", "tensorrt");
    for (const conv of nodes(model, "Conv"))
      expect(conv.inputs[2]?.initializer?.dtype).toBe("float32");
    for (const sigmoid of nodes(model, "Sigmoid")) expect(reads(sigmoid, 0)).toBe("Conv");
  });
});

describe("lowering for ONNX Runtime's CPU provider", () => {
  it("writes unsigned activations with zero point 0 after Relu, signed weights per channel, 32-bit biases", async () => {
    const { model } = await lowered("residual", "ort-cpu");
    for (const q of nodes(model, "QuantizeLinear")) {
      expect(q.inputs[2]?.dtype).toBe("uint8");
      if (q.inputs[0]?.producer()?.op === "Relu")
        expect(q.inputs[2]?.initializer?.data).toEqual(Uint8Array.of(0));
    }
    const conv = nodes(model, "Conv").find((n) => reads(n, 1) === "DequantizeLinear");
    const weight = conv?.inputs[1]?.producer();
    expect(weight?.inputs[0]?.dtype).toBe("int8");
    expect(weight?.int("axis", -1)).toBe(0);
    expect(weight?.inputs[1]?.dims).toEqual([16]);
    expect(conv?.inputs[2]?.producer()?.inputs[0]?.dtype).toBe("int32");
  });

  it("lets a quantized head stay the model's output by name", async () => {
    const { annotation, calibration } = await calibrated("residual");
    const all = annotate(annotation.model, { headOutputs: "int8" });
    const plan = planFor(all, "ort-cpu");
    const values = plannedValues(plan);
    const preset = { ...(await loadCalibrationPreset("fast")), sampleCount: 8 };
    const own = await calibrate(all.model, feeds(8), { engine, preset, values });
    const model = lowerForOrtCpu(plan, own);
    expect(lintOrtCpu(model)).toEqual([]);
    expect(model.graph.outputs.map((v) => v.name)).toEqual(["result"]);
    const report = await audit(serializeModel(model), { engine });
    expect(report.integerConvs).toEqual([6, 6]);
    expect(report.integerMacShare).toBe(1);
    expect(await outputSqnr(annotation.model, model)).toBeGreaterThan(26);
    // a calibration of other values does not do
    expect(() => lowerForOrtCpu(plan, { ...calibration, ranges: new Map() })).toThrowError(
      expect.objectContaining({ code: "QUANTIZE_UNCALIBRATED" }),
    );
  });

  it("keeps weights to 7 bits on request", async () => {
    const { annotation, calibration } = await calibrated("residual");
    const model = lowerForOrtCpu(planFor(annotation, "ort-cpu"), calibration, {
      reduceRange: true,
    });
    for (const { initializer } of model.graph.initializers.values())
      if (initializer?.dtype === "int8")
        for (const q of initializer.data as Int8Array) expect(Math.abs(q)).toBeLessThanOrEqual(63);
  });

  it("names the layers that lose most", async () => {
    const { float, model } = await lowered("residual", "ort-cpu");
    const layers = await layerSqnr(float, model, feeds(2), { engine });
    expect(layers.length).toBeGreaterThan(5);
    expect(layers.every((l, i) => i === 0 || l.db >= (layers[i - 1]?.db ?? 0))).toBe(true);
    expect(layers[0]?.db).toBeGreaterThan(25);
    expect(layers.every((l) => float.graph.value(l.value)?.producer()?.name === l.node)).toBe(true);
  });
});
