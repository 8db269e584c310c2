import { EdgeDistillError } from "../base/index.js";
import {
  cloneModel,
  foldBatchNorm,
  foldConstants,
  inferShapes,
  removeIdentity,
  type Model,
} from "../onnx/index.js";
import { raiseOpset } from "./raise-opset.js";

/** Ops that only a quantized model holds. */
const QUANTIZED_OPS: ReadonlySet<string> = new Set([
  "QuantizeLinear",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
  "QLinearConv",
  "QLinearMatMul",
  "ConvInteger",
  "MatMulInteger",
]);

/**
 * Makes a float model ready: opset 13 or later, shapes inferred, BatchNorm and constants folded, identities gone.
 * @returns a new model; names of graph inputs and outputs stay
 * @throws QUANTIZE_ALREADY_QUANTIZED, QUANTIZE_OPSET, ONNX_SHAPE_INFERENCE
 */
export function prepare(model: Model): Model {
  const quantized = model.graph.nodes.find(
    (n) => QUANTIZED_OPS.has(n.op) || n.op.startsWith("QLinear"),
  );
  if (quantized)
    throw new EdgeDistillError(
      "QUANTIZE_ALREADY_QUANTIZED",
      `The model is quantized already: node "${quantized.name}" is a ${quantized.op}`,
      {
        hint: "Start from the float32 model it was made from.",
        details: { node: quantized.name, op: quantized.op },
      },
    );
  const prepared = cloneModel(model);
  inferShapes(prepared);
  raiseOpset(prepared);
  inferShapes(prepared);
  const folded = foldBatchNorm(foldConstants(removeIdentity(prepared)));
  folded.graph.removeDeadNodes();
  inferShapes(folded);
  return folded;
}
