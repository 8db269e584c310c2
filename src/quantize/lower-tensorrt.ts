import { cloneGraph, type Model, type Value } from "../onnx/index.js";
import { float32 } from "../tensor/index.js";
import { correctedBias } from "./bias-correction.js";
import type { Calibration } from "./calibrate.js";
import { activationGrids } from "./grids.js";
import type { TargetPlan } from "./plan.js";
import { createQdqWriter } from "./qdq-writer.js";
import { quantizeWeight } from "./quantize-weight.kernel.js";
import { convDepths, shortcutInput } from "./residual.js";

export interface LowerTensorRtOptions {
  /** Takes the mean error of rounding the weights out of the biases. Default true. */
  biasCorrection?: boolean;
}

/** Pools that TensorRT runs on integers when their input is. */
const POOLS: ReadonlySet<string> = new Set(["MaxPool", "AveragePool", "GlobalAveragePool"]);

/** One reader of a value: input `index` of the node that computes `reader`. */
interface Edge {
  value: Value;
  reader: Value;
  index: number;
}

/** Edges that carry integers: what weighted nodes and pools read, and the shortcut of a residual Add. */
function integerEdges(plan: TargetPlan): Edge[] {
  const { graph } = plan.annotation.model;
  const depths = convDepths(graph);
  const edges: Edge[] = [];
  for (const node of graph.nodes) {
    const index = plan.weighted.has(node)
      ? 0
      : !plan.carried.has(node)
        ? undefined
        : POOLS.has(node.op)
          ? 0
          : shortcutInput(node, depths);
    const value = index === undefined ? undefined : node.inputs[index];
    const output = node.outputs[0];
    if (index !== undefined && value && output) edges.push({ value, reader: output, index });
  }
  return edges;
}

/**
 * Writes a plan as TensorRT wants explicit quantization: signed activations with zero point 0, Q/DQ at the inputs of
 * convolutions, matrix products and pools and on the shortcut of residual adds, nowhere else; one scale over a
 * concatenation and across what only moves values; signed weights per channel; float biases; the rest float32.
 * @param plan of target `tensorrt`
 * @returns a new model; the plan's stays as it is
 * @throws QUANTIZE_UNCALIBRATED
 */
export function lowerForTensorRt(
  plan: TargetPlan,
  calibration: Calibration,
  { biasCorrection = true }: LowerTensorRtOptions = {},
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
  for (const [node, op] of plan.weighted) {
    const axis = op.channelAxis;
    const output = node.outputs[0];
    const copy = output && values.get(output)?.producer();
    if (!copy || !output) continue;
    const quantized = quantizeWeight(op.weightData, axis);
    const { q, scale } = quantized;
    copy.setInput(
      1,
      writer.constant(`${output.name}_weight_quantized`, q, {
        scale,
        zeroPoint: 0,
        axis,
        before: copy,
      }),
    );
    const bias = biasCorrection && correctedBias(op, quantized, { calibration, correct: true });
    if (bias)
      copy.setInput(2, graph.addInitializer(`${output.name}_bias`, float32([bias.length], bias)));
  }
  const pairs = new Map<Value, Value>();
  for (const edge of integerEdges(plan)) {
    const value = values.get(edge.value);
    const reader = values.get(edge.reader)?.producer();
    if (!value || !reader) continue;
    const dq = pairs.get(value) ?? writer.pair(value, grids.of(value.name), grids.key(value.name));
    pairs.set(value, dq);
    reader.setInput(edge.index, dq);
  }
  graph.removeDeadNodes();
  return model;
}
