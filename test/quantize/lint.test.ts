import { beforeAll, describe, expect, it } from "vitest";
import { cloneModel, createBuilder, Value, type Model, type Node } from "../../src/onnx/index.js";
import {
  annotate,
  lintOrtCpu,
  lintTensorRt,
  lowerForOrtCpu,
  lowerForTensorRt,
  ORT_CPU_RULES,
  planFor,
  plannedValues,
  prepare,
  TENSORRT_RULES,
  type Calibration,
  type QuantizationTarget,
  type TensorRange,
} from "../../src/quantize/index.js";
import { float32, scalar, type HostTensor } from "../../src/tensor/index.js";
import { downsampleNet, poolNet, residualNet, siluNet } from "./graphs.js";

/** Ranges out of thin air: the linters look at form only. */
function rangesFor(values: readonly Value[]): Calibration {
  const range = (v: Value, i: number): TensorRange => {
    const min = ["Relu", "Sigmoid", "MaxPool"].includes(v.producer()?.op ?? "") ? 0 : -1;
    return {
      min,
      max: 2 + i / 8,
      limit: 2 + i / 8,
      observed: { min, max: 3 },
      clippedShare: 0,
      channelMeans: undefined,
    };
  };
  return {
    ranges: new Map(values.map((v, i) => [v.name, range(v, i)])),
    identity: { preset: "none", method: "none", samples: 0, imagesSha256: "" },
  };
}

function lower(net: () => Model, target: QuantizationTarget): Model {
  const plan = planFor(annotate(prepare(net()), { headOutputs: "float" }), target);
  const calibration = rangesFor(plannedValues(plan));
  return target === "ort-cpu"
    ? lowerForOrtCpu(plan, calibration)
    : lowerForTensorRt(plan, calibration);
}

const find = ({ graph }: Model, op: string, at = 0): Node => {
  const node = graph.nodes.filter((n) => n.op === op)[at];
  if (!node) throw new TypeError(`no ${op}`);
  return node;
};

function producerOf(value: Value | null | undefined): Node {
  const producer = value?.producer();
  if (!producer) throw new TypeError("no producer");
  return producer;
}

/** Replaces a constant input by another. */
function setConstant({ graph }: Model, node: Node, index: number, data: HostTensor): void {
  node.setInput(index, graph.addInitializer("wrong", data));
}

/** Puts Q/DQ of a given scale in front of one input. */
function insertPair({ graph }: Model, reader: Node, index: number, scale = 0.1): void {
  const value = reader.inputs[index];
  if (!value) throw new TypeError("no input");
  const constants = [
    graph.addInitializer("s", scalar(scale)),
    graph.addInitializer("z", { dtype: "int8", dims: [], data: Int8Array.of(0) }),
  ];
  const q = new Value(graph.uniqueName("q"));
  const dq = new Value(graph.uniqueName("dq"));
  graph.addNode(
    { op: "QuantizeLinear", name: "wrong_q", inputs: [value, ...constants], outputs: [q] },
    { before: reader },
  );
  graph.addNode(
    { op: "DequantizeLinear", name: "wrong_dq", inputs: [q, ...constants], outputs: [dq] },
    { before: reader },
  );
  reader.setInput(index, dq);
}

interface Broken {
  rule: string;
  net: () => Model;
  /** Breaks the graph; returns the name of the node to be named. */
  make: (model: Model) => string;
}

const ortCases: readonly Broken[] = [
  {
    rule: "integer-input",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 1);
      conv.setInput(0, producerOf(producerOf(conv.inputs[0]).inputs[0]).inputs[0] ?? null);
      return conv.name;
    },
  },
  {
    rule: "unsigned-activation",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv");
      const dq = producerOf(conv.inputs[0]);
      const zero = { dtype: "int8" as const, dims: [], data: Int8Array.of(0) };
      setConstant(m, dq, 2, zero);
      setConstant(m, producerOf(dq.inputs[0]), 2, zero);
      return conv.name;
    },
  },
  {
    rule: "signed-weight",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 2);
      setConstant(m, producerOf(conv.inputs[1]), 2, {
        dtype: "int8",
        dims: [16],
        data: new Int8Array(16).fill(3),
      });
      return conv.name;
    },
  },
  {
    rule: "signed-weight",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 2);
      producerOf(conv.inputs[1]).attributes.set("axis", { type: "int", value: 1 });
      return conv.name;
    },
  },
  {
    rule: "int32-bias",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 1);
      setConstant(m, conv, 2, float32([16], new Float32Array(16)));
      return conv.name;
    },
  },
  {
    rule: "int32-bias",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 1);
      setConstant(m, producerOf(conv.inputs[2]), 1, float32([16], new Float32Array(16).fill(0.5)));
      return conv.name;
    },
  },
  {
    rule: "quantized-output",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv");
      m.graph.addOutput(conv.outputs[0] ?? new Value("none"));
      return conv.name;
    },
  },
  {
    rule: "clamp-zero-point",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv");
      const relu = conv.outputs[0]?.uses()[0]?.node;
      const q = relu?.outputs[0]?.uses()[0]?.node;
      if (q) setConstant(m, q, 2, { dtype: "uint8", dims: [], data: Uint8Array.of(128) });
      return conv.name;
    },
  },
  {
    rule: "every-edge",
    net: residualNet,
    make(m) {
      const add = find(m, "Add");
      add.setInput(1, producerOf(producerOf(add.inputs[1]).inputs[0]).inputs[0] ?? null);
      return add.name;
    },
  },
  {
    rule: "shared-scale",
    net: poolNet,
    make(m) {
      const pool = find(m, "MaxPool");
      const q = pool.outputs[0]?.uses()[0]?.node;
      if (q) setConstant(m, q, 1, scalar(0.7));
      return pool.name;
    },
  },
];

const tensorRtCases: readonly Broken[] = [
  {
    rule: "symmetric",
    net: residualNet,
    make(m) {
      const q = find(m, "QuantizeLinear");
      setConstant(m, q, 2, { dtype: "int8", dims: [], data: Int8Array.of(5) });
      return q.name;
    },
  },
  {
    rule: "symmetric",
    net: residualNet,
    make(m) {
      const q = find(m, "QuantizeLinear");
      const zero = { dtype: "uint8" as const, dims: [], data: Uint8Array.of(0) };
      setConstant(m, q, 2, zero);
      for (const { node } of q.outputs[0]?.uses() ?? []) setConstant(m, node, 2, zero);
      return q.name;
    },
  },
  {
    rule: "float-bias",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv");
      const dq = new Value("bias_dq");
      const bias = m.graph.addInitializer("bias_q", {
        dtype: "int32",
        dims: [16],
        data: new Int32Array(16),
      });
      m.graph.addNode(
        {
          op: "DequantizeLinear",
          name: "bias_dequantize",
          inputs: [bias, m.graph.addInitializer("bias_scale", scalar(1))],
          outputs: [dq],
        },
        { before: conv },
      );
      conv.setInput(2, dq);
      return conv.name;
    },
  },
  {
    rule: "integer-input",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 1);
      conv.setInput(0, producerOf(producerOf(conv.inputs[0]).inputs[0]).inputs[0] ?? null);
      return conv.name;
    },
  },
  {
    rule: "weight-axis",
    net: residualNet,
    make(m) {
      const conv = find(m, "Conv", 2);
      producerOf(conv.inputs[1]).attributes.set("axis", { type: "int", value: 1 });
      return conv.name;
    },
  },
  {
    rule: "no-split-fusion",
    net: residualNet,
    make(m) {
      const relu = find(m, "Relu");
      insertPair(m, relu, 0);
      return relu.name;
    },
  },
  {
    rule: "no-split-fusion",
    net: siluNet,
    make(m) {
      const sigmoid = find(m, "Sigmoid", 1);
      insertPair(m, sigmoid, 0);
      return sigmoid.name;
    },
  },
  {
    rule: "shortcut-only",
    net: residualNet,
    make(m) {
      const add = find(m, "Add");
      insertPair(m, add, 0);
      return add.name;
    },
  },
  {
    rule: "shortcut-only",
    net: downsampleNet,
    make(m) {
      const add = find(m, "Add");
      insertPair(m, add, 1);
      return add.name;
    },
  },
  {
    rule: "shared-concat-scale",
    net: poolNet,
    make(m) {
      const concat = find(m, "Concat");
      insertPair(m, concat, 1, 0.7);
      return concat.name;
    },
  },
  {
    rule: "shared-scale",
    net: poolNet,
    make(m) {
      const pool = find(m, "MaxPool");
      const dq = producerOf(pool.inputs[0]);
      setConstant(m, dq, 1, scalar(0.7));
      return pool.name;
    },
  },
];

describe.each([
  ["ort-cpu", ortCases, lintOrtCpu],
  ["tensorrt", tensorRtCases, lintTensorRt],
] as const)("linter for %s", (target, cases, lint) => {
  it.each(cases)("$rule names the node", ({ rule, net, make }) => {
    const model = cloneModel(lower(net, target));
    expect(lint(model)).toEqual([]);
    const node = make(model);
    model.graph.removeDeadNodes();
    const found = lint(model).filter((i) => i.rule === rule);
    expect(found.map((i) => i.node)).toContain(node);
    expect(found[0]?.message.length).toBeGreaterThan(10);
  });

  it("refuses an opset without scales per channel", () => {
    const model = lower(residualNet, target);
    model.opsets.set("", 12);
    expect(() => lint(model)).toThrowError(expect.objectContaining({ code: "QUANTIZE_OPSET" }));
  });
});

describe("linter for TensorRT", () => {
  let thin: Model;
  beforeAll(() => {
    // 16 channels in, 8 out: too thin, and yet quantized
    const b = createBuilder();
    const x = b.input("x", "float32", [1, 16, 8, 8]);
    const scale = b.f32(0.1);
    const zero = b.constant({ dtype: "int8", dims: [], data: Int8Array.of(0) });
    const zeros = b.constant({ dtype: "int8", dims: [8], data: new Int8Array(8) });
    const dq = b.op("DequantizeLinear", [b.op("QuantizeLinear", [x, scale, zero]), scale, zero]);
    const w = b.initializer("w", {
      dtype: "int8",
      dims: [8, 16, 1, 1],
      data: new Int8Array(128).fill(1),
    });
    const scales = b.f32(new Array<number>(8).fill(0.1));
    const wdq = b.op("DequantizeLinear", [w, scales, zeros], { axis: { type: "int", value: 0 } });
    b.output(b.op("Conv", [dq, wdq], {}, { name: "thin" }), "y");
    thin = b.model();
  });

  it("thin-op names the node", () => {
    expect(lintTensorRt(thin)).toEqual([
      expect.objectContaining({ rule: "thin-op", node: "thin", op: "Conv" }),
    ]);
  });

  it("every rule has a graph that breaks it", () => {
    expect(new Set([...tensorRtCases.map((c) => c.rule), "thin-op"])).toEqual(
      new Set(TENSORRT_RULES.map((r) => r.id)),
    );
    expect(new Set(ortCases.map((c) => c.rule))).toEqual(new Set(ORT_CPU_RULES.map((r) => r.id)));
  });
});
