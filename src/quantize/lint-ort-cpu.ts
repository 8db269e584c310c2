import { EdgeDistillError } from "../base/index.js";
import { defaultOpset, type Graph, type Model, type Node, type Value } from "../onnx/index.js";
import { defineLintRule, lintModel, type LintIssue, type LintRule } from "./lint.js";
import { dataInputs, INTEGER_KERNEL_OPS, isMoveOp } from "./plan.js";
import { dequantizer, quantizers, sameGrid, type QdqView } from "./qdq-view.js";
import { MINIMUM_OPSET } from "./raise-opset.js";
import { WEIGHTED_OPS, weightChannelAxis } from "./weighted-op.js";

/** A weighted node that is meant to be integer: its weight is. */
function isInteger(node: Node): boolean {
  return WEIGHTED_OPS.includes(node.op) && dequantizer(node.inputs[1]) !== undefined;
}

/** The clamp that alone reads a value, if there is one. */
function clampBehind(value: Value): Node | undefined {
  const [use, more] = value.uses();
  return use && !more && (use.node.op === "Relu" || use.node.op === "Clip") ? use.node : undefined;
}

/** The one QuantizeLinear behind a value, with nothing but one clamp between; undefined when anything else reads it. */
function soleQuantizer(value: Value, graph: Graph): QdqView | undefined {
  const clamp = clampBehind(value);
  const end = clamp?.outputs[0] ?? value;
  if (graph.outputs.includes(value) || graph.outputs.includes(end) || end.uses().length !== 1)
    return undefined;
  return quantizers(end)[0];
}

const near = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));

/** What ONNX Runtime's CPU provider needs to fuse Q/DQ into integer kernels. @see qdq_selectors.cc of onnxruntime */
export const ORT_CPU_RULES: readonly LintRule[] = [
  defineLintRule({
    id: "integer-input",
    check: (node) =>
      isInteger(node) && !dequantizer(node.inputs[0])
        ? "its weight is integer, its input is not: the product runs in float"
        : undefined,
  }),
  defineLintRule({
    id: "unsigned-activation",
    check(node) {
      const x = isInteger(node) ? dequantizer(node.inputs[0]) : undefined;
      return x && x.dtype !== "uint8"
        ? `its input is ${x.dtype ?? "of unknown type"}; uint8 has the fast kernels`
        : undefined;
    },
  }),
  defineLintRule({
    id: "signed-weight",
    check(node) {
      const w = isInteger(node) ? dequantizer(node.inputs[1]) : undefined;
      if (!w) return undefined;
      if (w.dtype !== "int8") return `its weight is ${w.dtype ?? "of unknown type"}, not int8`;
      if (w.zeroPoint.some((z) => z !== 0)) return "its weight has a zero point other than 0";
      const axis = weightChannelAxis(node, node.inputs[1]?.dims?.length ?? 4);
      return w.scale.length > 1 && w.axis !== axis
        ? `its weight is scaled along axis ${String(w.axis)}; the output channels are axis ${String(axis)}`
        : undefined;
    },
  }),
  defineLintRule({
    id: "int32-bias",
    check(node) {
      const bias = node.inputs[2];
      if (!isInteger(node) || !bias || node.op === "MatMul") return undefined;
      const b = dequantizer(bias);
      if (b?.dtype !== "int32") return "its bias is not int32 behind a DequantizeLinear";
      const x = dequantizer(node.inputs[0])?.scale[0] ?? NaN;
      const w = dequantizer(node.inputs[1])?.scale ?? [];
      return b.scale.every((s, c) => near(s, x * (w[w.length === 1 ? 0 : c] ?? NaN)))
        ? undefined
        : "the scale of its bias is not that of the input times that of the weight";
    },
  }),
  defineLintRule({
    id: "quantized-output",
    check(node, graph) {
      const [output] = node.outputs;
      if (!isInteger(node) || !output || soleQuantizer(output, graph)) return undefined;
      const readers = output
        .uses()
        .map((u) => u.node.op)
        .join(", ");
      return `its output must be read by one QuantizeLinear alone; it is read by ${readers || "nothing"}${graph.outputs.includes(output) ? " and is an output of the model" : ""}`;
    },
  }),
  defineLintRule({
    id: "clamp-zero-point",
    check(node, graph) {
      const [output] = node.outputs;
      const clamp = output && isInteger(node) ? clampBehind(output) : undefined;
      const q = output && soleQuantizer(output, graph);
      if (clamp?.op !== "Relu" || !q) return undefined;
      const lowest = q.dtype === "int8" ? -128 : 0;
      return (q.zeroPoint[0] ?? 0) === lowest
        ? undefined
        : `Relu "${clamp.name}" stays: the QuantizeLinear behind it has zero point ${String(q.zeroPoint[0] ?? 0)}, not ${String(lowest)}`;
    },
  }),
  defineLintRule({
    id: "every-edge",
    check(node, graph) {
      const [output] = node.outputs;
      if (!output || !INTEGER_KERNEL_OPS.has(node.op) || !soleQuantizer(output, graph))
        return undefined;
      const float = dataInputs(node).filter((v) => !dequantizer(v));
      return float.length > 0
        ? `its output is quantized, its input "${float[0]?.name ?? ""}" is not: the op runs in float`
        : undefined;
    },
  }),
  defineLintRule({
    id: "shared-scale",
    check(node, graph) {
      const x = isMoveOp(node) ? dequantizer(node.inputs[0]) : undefined;
      if (!x) return undefined;
      for (const output of node.outputs) {
        const q = soleQuantizer(output, graph);
        if (q && !sameGrid(x, q))
          return "it only moves values, yet its output has another scale than its input";
      }
      return undefined;
    },
  }),
];

/**
 * Checks a quantized graph against what ONNX Runtime's CPU provider needs to run it on integers.
 * @returns what is wrong, by node and rule; empty when all is well
 * @throws QUANTIZE_OPSET when the opset has no scales per channel
 */
export function lintOrtCpu(model: Model): LintIssue[] {
  expectOpset(model);
  return lintModel(model, ORT_CPU_RULES);
}

/** @throws QUANTIZE_OPSET */
export function expectOpset(model: Model): void {
  const opset = defaultOpset(model);
  if (opset < MINIMUM_OPSET)
    throw new EdgeDistillError(
      "QUANTIZE_OPSET",
      `The graph is of opset ${String(opset)}; int8 weights per channel need opset ${String(MINIMUM_OPSET)}`,
      {
        hint: "Lower the model again from its float form, through prepare().",
        details: { opset, needs: MINIMUM_OPSET },
      },
    );
}
