import { cloneGraph, type Model, type Node, type Value } from "../onnx/index.js";
import { correctedBias } from "./bias-correction.js";
import type { Calibration } from "./calibrate.js";
import { activationGrids, type Grids } from "./grids.js";
import { dataInputs, plannedValues, type TargetPlan } from "./plan.js";
import { createQdqWriter, type QdqWriter } from "./qdq-writer.js";
import { quantizeWeight } from "./quantize-weight.kernel.js";
import { asymmetricGrid } from "./squared-error.kernel.js";
import type { WeightedOp } from "./weighted-op.js";

export interface LowerOrtCpuOptions {
  /**
   * 7-bit weights: for x64 CPUs without VNNI, whose 8-bit multiply-add saturates at 16 bits. Costs accuracy elsewhere.
   */
  reduceRange?: boolean;
  /** Takes the mean error of rounding the weights out of the biases. Default true. */
  biasCorrection?: boolean;
}

/** Biases keep this far from the 32-bit accumulator's end, so that products find room beside them. */
const BIAS_LIMIT = 2 ** 30;

/**
 * Writes a plan as the graph that ONNX Runtime's CPU provider turns into integer kernels: unsigned activations with
 * Q/DQ on every edge, signed weights per channel, 32-bit biases.
 * @param plan of target `ort-cpu`
 * @returns a new model; the plan's stays as it is
 * @throws QUANTIZE_UNCALIBRATED
 */
export function lowerForOrtCpu(
  plan: TargetPlan,
  calibration: Calibration,
  { reduceRange = false, biasCorrection = true }: LowerOrtCpuOptions = {},
): Model {
  const source = plan.annotation.model;
  const { graph, values } = cloneGraph(source.graph);
  const model: Model = {
    ...source,
    graph,
    opsets: new Map(source.opsets),
    metadata: new Map(source.metadata),
  };
  const grids = activationGrids(plan, calibration);
  const writer = createQdqWriter(model);
  const copyOf = (node: Node): Node | undefined => {
    const output = node.outputs[0];
    return (output && values.get(output)?.producer()) ?? undefined;
  };
  for (const [node, op] of plan.weighted) {
    const copy = copyOf(node);
    if (copy)
      quantizeConstants(copy, op, {
        writer,
        grids,
        calibration,
        biasCorrection,
        levels: reduceRange ? 63 : 127,
      });
  }
  for (const node of plan.carried) {
    const copy = copyOf(node);
    if (copy) quantizeOperands(copy, writer);
  }
  for (const value of plannedValues(plan)) {
    const copy = values.get(value);
    if (copy) quantizeEdge(model, copy, writer, grids);
  }
  graph.removeDeadNodes();
  return model;
}

interface WeightContext {
  writer: QdqWriter;
  grids: Grids;
  calibration: Calibration;
  biasCorrection: boolean;
  levels: number;
}

function quantizeConstants(
  node: Node,
  op: WeightedOp,
  { writer, grids, calibration, biasCorrection, levels }: WeightContext,
): void {
  const { weightData, channelAxis: axis, activation } = op;
  const inputScale = Math.fround(grids.of(activation.name).scale);
  const channels = weightData.dims[axis] ?? 1;
  const original = Float64Array.from(op.biasData?.data ?? new Float32Array(channels));
  const quantized = quantizeWeight(weightData, axis, {
    levels,
    minimumScale: original.map((b) => Math.abs(b) / (inputScale * BIAS_LIMIT)),
  });
  const stem = node.outputs[0]?.name ?? node.name;
  node.setInput(
    1,
    writer.constant(`${stem}_weight_quantized`, quantized.q, {
      scale: quantized.scale,
      zeroPoint: 0,
      axis,
      before: node,
    }),
  );
  const bias = correctedBias(op, quantized, { calibration, correct: biasCorrection });
  if (!bias) return;
  const scale = quantized.scale.map((s) => s * inputScale);
  const data = Int32Array.from(bias, (b, c) => {
    const q = Math.round(b / (scale[c] ?? 1));
    return Math.max(-BIAS_LIMIT, Math.min(BIAS_LIMIT, q));
  });
  node.setInput(
    2,
    writer.constant(
      `${stem}_bias_quantized`,
      { dtype: "int32", dims: [channels], data },
      { scale, zeroPoint: 0, axis: 0, before: node },
    ),
  );
}

/** Constant operands of element-wise ops and concatenations: unsigned, over exactly their own range. */
function quantizeOperands(node: Node, writer: QdqWriter): void {
  node.inputs.forEach((value, index) => {
    const constant = value?.initializer;
    if (!value || constant?.dtype !== "float32" || !dataInputs(node).includes(value)) return;
    const { data, dims } = constant;
    let [min, max] = [0, 0];
    for (const x of data as Float32Array) [min, max] = [Math.min(min, x), Math.max(max, x)];
    const { scale, zeroPoint } = asymmetricGrid(min, max);
    const q = Uint8Array.from(data as Float32Array, (x) =>
      Math.max(0, Math.min(255, Math.round(x / scale) + zeroPoint)),
    );
    node.setInput(
      index,
      writer.constant(
        `${value.name}_quantized`,
        { dtype: "uint8", dims, data: q },
        { scale, zeroPoint, before: node },
      ),
    );
  });
}

/** Puts Q/DQ behind a value; all its readers, float ones too, then read the dequantized one. */
function quantizeEdge({ graph }: Model, value: Value, writer: QdqWriter, grids: Grids): void {
  const key = grids.key(value.name);
  const grid = grids.of(value.name);
  const readers = [...value.uses()];
  const dq = writer.pair(value, grid, key);
  for (const { node, index } of readers) node.setInput(index, dq);
  if (!graph.outputs.includes(value)) return;
  // the raw value may feed nothing but its Q, so the output's name moves to the dequantized one
  const { name } = value;
  value.name = graph.uniqueName(`${name}_raw`);
  dq.name = name;
  graph.replaceOutput(value, dq);
}
