import type { Graph, Model, Node, Value } from "../onnx/index.js";
import { expectOpset } from "./lint-ort-cpu.js";
import { defineLintRule, lintModel, type LintIssue, type LintRule } from "./lint.js";
import { isMoveOp, tensorRtRefusal } from "./plan.js";
import { dequantizer, quantizers, sameGrid, type QdqView } from "./qdq-view.js";
import { convDepths, fusableConv } from "./residual.js";
import { WEIGHTED_OPS, weightChannelAxis } from "./weighted-op.js";

function isInteger(node: Node): boolean {
  return WEIGHTED_OPS.includes(node.op) && dequantizer(node.inputs[1]) !== undefined;
}

/** Element-wise ops whose input must not be rounded: the backend fuses them into what comes before. */
const FUSED: ReadonlySet<string> = new Set([
  "Relu",
  "Clip",
  "LeakyRelu",
  "Sigmoid",
  "HardSigmoid",
  "HardSwish",
  "BatchNormalization",
]);

/** The grid on which a value is rounded, wherever its Q/DQ pair sits: in front of the reader or before a concatenation. */
function gridOf(value: Value): QdqView | undefined {
  return dequantizer(value) ?? quantizers(value)[0];
}

/** Grids reached from a value forward through ops that only move it. */
function gridsBehind(value: Value): QdqView[] {
  const own = gridOf(value);
  if (own) return [own];
  return value
    .uses()
    .flatMap((u) => (isMoveOp(u.node) && u.index === 0 ? u.node.outputs.flatMap(gridsBehind) : []));
}

/** What TensorRT asks of explicit quantization. @see NVIDIA Model-Optimizer onnx/quantization, YOLOv7-QAT guide */
export const TENSORRT_RULES: readonly LintRule[] = [
  defineLintRule({
    id: "symmetric",
    check(node) {
      if (node.op !== "QuantizeLinear" && node.op !== "DequantizeLinear") return undefined;
      const zero = node.inputs[2];
      const data = zero?.initializer?.data;
      if (!zero || !data || Array.isArray(data))
        return "its zero point is missing or computed; TensorRT takes int8 with 0";
      if (zero.dtype !== "int8")
        return `its integers are ${zero.dtype ?? "of unknown type"}; TensorRT takes int8`;
      return Array.from(data as ArrayLike<number | bigint>).some((z) => Number(z) !== 0)
        ? "its zero point is not 0"
        : undefined;
    },
  }),
  defineLintRule({
    id: "float-bias",
    check: (node) =>
      WEIGHTED_OPS.includes(node.op) && dequantizer(node.inputs[2])
        ? "its bias comes out of a DequantizeLinear; the parser wants it in float"
        : undefined,
  }),
  defineLintRule({
    id: "integer-input",
    check(node) {
      if (!isInteger(node)) return undefined;
      return dequantizer(node.inputs[0]) ? undefined : "its weight is integer, its input is not";
    },
  }),
  defineLintRule({
    id: "weight-axis",
    check(node) {
      const w = isInteger(node) ? dequantizer(node.inputs[1]) : undefined;
      const axis = weightChannelAxis(node, node.inputs[1]?.dims?.length ?? 4);
      return w && w.scale.length > 1 && w.axis !== axis
        ? `its weight is scaled along axis ${String(w.axis)}; the output channels are axis ${String(axis)}`
        : undefined;
    },
  }),
  defineLintRule({
    id: "thin-op",
    check(node) {
      if (!isInteger(node)) return undefined;
      const dims = node.inputs[1]?.staticDims();
      return dims && tensorRtRefusal(node, dims);
    },
  }),
  defineLintRule({
    id: "no-split-fusion",
    check(node) {
      if (!FUSED.has(node.op)) return undefined;
      const dq = dequantizer(node.inputs[0]);
      const source = dq?.node.inputs[0]?.producer()?.inputs[0]?.producer();
      return dq && source && WEIGHTED_OPS.includes(source.op)
        ? `Q/DQ stands between it and "${source.name}" (${source.op}), which it should be fused with`
        : undefined;
    },
  }),
  defineLintRule({
    id: "shortcut-only",
    check(node, graph) {
      if (node.op !== "Add") return undefined;
      for (const value of node.inputs) {
        const raw = dequantizer(value)?.node.inputs[0]?.producer()?.inputs[0];
        if (!raw || !isMainBranch(node, raw, graph)) continue;
        return `the side of the convolution ("${raw.name}") is quantized; only the shortcut may be`;
      }
      return undefined;
    },
  }),
  defineLintRule({
    id: "shared-concat-scale",
    check(node) {
      if (node.op !== "Concat") return undefined;
      const grids = [
        ...node.inputs.flatMap((v) => (v ? [gridOf(v)] : [])),
        ...node.outputs.flatMap(gridsBehind),
      ];
      const [first, ...rest] = grids.filter((g): g is QdqView => g !== undefined);
      return first && rest.some((g) => !sameGrid(first, g))
        ? "its inputs and output have different scales"
        : undefined;
    },
  }),
  defineLintRule({
    id: "shared-scale",
    check(node) {
      const value = node.inputs[0];
      const x = isMoveOp(node) && value ? gridOf(value) : undefined;
      if (!x) return undefined;
      return node.outputs.flatMap(gridsBehind).some((g) => !sameGrid(x, g))
        ? "it only moves values, yet its output has another scale than its input"
        : undefined;
    },
  }),
];

/** Whether a value that an Add reads through Q/DQ would have been fused with the Add without it. */
function isMainBranch(add: Node, raw: Value, graph: Graph): boolean {
  const producer = raw.producer();
  if (!producer || raw.uses().length !== 1) return false;
  const other = add.inputs.find(
    (v) => dequantizer(v)?.node.inputs[0]?.producer()?.inputs[0] !== raw,
  );
  const own = fusableConv(raw);
  if (!own || !other) return false;
  const opposite = fusableConv(other);
  if (!opposite) return true;
  const depths = convDepths(graph);
  return (depths.get(own.node) ?? 0) > (depths.get(opposite.node) ?? 0);
}

/**
 * Checks a quantized graph against what TensorRT asks of explicit Q/DQ.
 * @returns what is wrong, by node and rule; empty when all is well
 * @throws QUANTIZE_OPSET when the opset has no scales per channel
 */
export function lintTensorRt(model: Model): LintIssue[] {
  expectOpset(model);
  return lintModel(model, TENSORRT_RULES);
}
