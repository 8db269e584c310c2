import type { Node, Value } from "../onnx/index.js";
import type { HostTensor } from "../tensor/index.js";

/** An op that multiplies activations with constant weights: what integer kernels are for. */
export interface WeightedOp {
  readonly node: Node;
  /** Index 0 of the node's inputs. */
  readonly activation: Value;
  /** Index 1; an initializer. */
  readonly weight: Value;
  readonly weightData: HostTensor<"float32">;
  /** Axis of the weight that runs over the output channels. */
  readonly channelAxis: number;
  /** Index 2, `[channels]`. */
  readonly biasData: HostTensor<"float32"> | undefined;
}

function isFloat32(t: HostTensor | undefined): t is HostTensor<"float32"> {
  return t?.dtype === "float32";
}

/**
 * Axis of the output channels in the weight; undefined when the node has another form than the integer kernels know.
 * @param rank of the weight
 */
export function weightChannelAxis(node: Node, rank: number): number | undefined {
  switch (node.op) {
    case "Conv":
      return rank >= 3 ? 0 : undefined;
    case "ConvTranspose":
      return rank >= 3 && node.int("group", 1) === 1 ? 1 : undefined;
    case "Gemm":
      if (node.float("alpha", 1) !== 1 || node.float("beta", 1) !== 1) return undefined;
      if (node.int("transA", 0) !== 0) return undefined;
      return node.int("transB", 0) === 1 ? 0 : 1;
    case "MatMul":
      return rank === 2 ? 1 : undefined;
    default:
      return undefined;
  }
}

/** Ops that can be weighted. */
export const WEIGHTED_OPS: readonly string[] = ["Conv", "ConvTranspose", "Gemm", "MatMul"];

/**
 * Reads a node as a weighted op.
 * @returns the op, or why it is none: a plain sentence for the report
 */
export function weightedOp(node: Node): WeightedOp | string {
  const [activation, weight, bias] = node.inputs;
  if (!activation || !weight) return "has no weight";
  if (activation.initializer) return "multiplies constants only";
  const weightData = weight.initializer;
  if (!weightData) return "its weight is computed, not constant";
  if (!isFloat32(weightData)) return `its weight is ${weightData.dtype}, not float32`;
  const axis = weightChannelAxis(node, weightData.dims.length);
  if (axis === undefined) return "no integer kernel takes its form";
  const biasData = bias?.initializer;
  if (bias && !isFloat32(biasData)) return "its bias is not a float32 constant";
  const channels = weightData.dims[axis];
  if (biasData && (biasData.dims.length !== 1 || biasData.dims[0] !== channels))
    return "its bias is not one number per output channel";
  return {
    node,
    activation,
    weight,
    weightData,
    channelAxis: axis,
    biasData: isFloat32(biasData) ? biasData : undefined,
  };
}
