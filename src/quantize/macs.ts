import { cloneModel, inferShapes, type Model, type Node, type Value } from "../onnx/index.js";
import { elementCount } from "../tensor/index.js";
import { WEIGHTED_OPS } from "./weighted-op.js";

/** Dimensions of the graph's inputs, by name, where the model leaves some free. */
export type InputDims = Readonly<Record<string, readonly number[]>>;

/** Spatial and channel extent: all but the batch. */
function perSample(value: Value | null | undefined): number | undefined {
  const rest = value?.dims?.slice(1);
  return rest?.every((d): d is number => typeof d === "number") ? elementCount(rest) : undefined;
}

function macsOf(node: Node): number | undefined {
  const [x, weight] = node.inputs;
  const w = weight?.staticDims();
  if (!w) return undefined;
  const out = perSample(node.outputs[0]);
  switch (node.op) {
    case "Conv":
      return out === undefined ? undefined : out * elementCount(w.slice(1));
    case "ConvTranspose": {
      const input = perSample(x);
      return input === undefined ? undefined : input * elementCount(w.slice(1));
    }
    case "Gemm":
      return elementCount(w);
    case "MatMul":
      return out === undefined ? undefined : out * (w[w.length - 2] ?? 1);
    default:
      return undefined;
  }
}

/**
 * Multiply-accumulates for one sample, by the name of the weighted node's first output.
 * Nodes whose shapes stay unknown are left out.
 * @param inputDims shapes to assume for inputs with free dimensions
 */
export function multiplyAccumulates(
  model: Model,
  { inputDims = {} }: { inputDims?: InputDims } = {},
): Map<string, number> {
  const bound = cloneModel(model);
  for (const input of bound.graph.inputs) input.dims = inputDims[input.name] ?? input.dims;
  inferShapes(bound);
  const out = new Map<string, number>();
  for (const node of bound.graph.nodes) {
    if (!WEIGHTED_OPS.includes(node.op)) continue;
    const macs = macsOf(node);
    const name = node.outputs[0]?.name;
    if (macs !== undefined && name !== undefined) out.set(name, macs);
  }
  return out;
}
