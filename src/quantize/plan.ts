import { defaultOpset, type Node, type Use, type Value } from "../onnx/index.js";
import type { Annotation } from "./annotate.js";
import { createGroups } from "./groups.js";
import { weightChannelAxis, type WeightedOp } from "./weighted-op.js";

/** The backend a graph is lowered for. */
export type QuantizationTarget = "ort-cpu" | "tensorrt";

/** What one backend will do with one annotated model. */
export interface TargetPlan {
  readonly target: QuantizationTarget;
  readonly annotation: Annotation;
  readonly weighted: ReadonlyMap<Node, WeightedOp>;
  /** Nodes between weighted ones that work on the same integers: element-wise ops, pools, concatenations, moves. */
  readonly carried: ReadonlySet<Node>;
  /** Relu and Clip nodes that vanish into the rounding of the node before them. */
  readonly absorbed: ReadonlySet<Node>;
  /** Weighted nodes that stay float, and why. */
  readonly float: ReadonlyMap<Node, string>;
  /** Values that must have one scale: name of a member → name of the group. */
  readonly groups: ReadonlyMap<string, string>;
}

/** Ops that only move values: output integers are input integers. Index 0 is the data. */
const MOVES: ReadonlySet<string> = new Set([
  "MaxPool",
  "Resize",
  "Expand",
  "Flatten",
  "Gather",
  "Reshape",
  "Slice",
  "Split",
  "Squeeze",
  "Tile",
  "Transpose",
  "Unsqueeze",
]);

/** Other ops with an integer kernel of their own on ONNX Runtime's CPU provider. */
export const INTEGER_KERNEL_OPS: ReadonlySet<string> = new Set([
  "Add",
  "Mul",
  "Concat",
  "Sigmoid",
  "LeakyRelu",
  "AveragePool",
  "GlobalAveragePool",
]);

/** Inputs of a node that carry activations. */
export function dataInputs(node: Node): readonly Value[] {
  const inputs = MOVES.has(node.op) ? node.inputs.slice(0, 1) : node.inputs;
  return inputs.filter((v): v is Value => v !== null);
}

/** Whether an op only moves values. */
export function isMoveOp({ op, domain }: Node): boolean {
  return domain === "" && MOVES.has(op);
}

function isMove(node: Node, opset: number): boolean {
  if (!isMoveOp(node) || node.inputs[0]?.initializer) return false;
  if (node.op === "MaxPool") return opset >= 12 && node.outputs.length === 1;
  if (node.op === "Resize") return ["nearest", "linear"].includes(node.string("mode", "nearest"));
  return true;
}

function isCarriable(node: Node, opset: number): boolean {
  if (node.domain !== "") return false;
  if (dataInputs(node).some((v) => v.dtype !== undefined && v.dtype !== "float32")) return false;
  if (isMove(node, opset)) return true;
  return INTEGER_KERNEL_OPS.has(node.op) && dataInputs(node).some((v) => !v.initializer);
}

/** Relu, or a Clip around zero with constant bounds: rounding to a range inside the bounds does their work. */
function isClamp(node: Node): boolean {
  if (node.op === "Relu") return true;
  if (node.op !== "Clip") return false;
  const bound = (index: number, fallback: number): number | undefined => {
    const value = node.inputs[index];
    if (!value) return fallback;
    const data = value.initializer?.data;
    return data && !Array.isArray(data) ? Number(data[0]) : undefined;
  };
  const [min, max] = [bound(1, -Infinity), bound(2, Infinity)];
  return min !== undefined && max !== undefined && min <= 0 && max >= 0;
}

/**
 * Why TensorRT is not given a weighted node as integers; undefined when it is.
 * @param dims of the weight
 */
export function tensorRtRefusal(node: Node, dims: readonly number[]): string | undefined {
  const out = dims[weightChannelAxis(node, dims.length) ?? 0] ?? 0;
  if (node.op === "Conv") {
    if (node.int("group", 1) > 1)
      return out % 8 === 0 && dims.slice(2).every((k) => k >= 3)
        ? undefined
        : "a grouped convolution needs output channels in eights and a kernel of at least 3";
    return out < 16 || (dims[1] ?? 0) < 16
      ? "has fewer than 16 input or output channels"
      : undefined;
  }
  if (node.op === "ConvTranspose")
    return out < 16 || (dims[0] ?? 0) < 16
      ? "has fewer than 16 input or output channels"
      : undefined;
  return dims.some((d) => d < 16) ? "has an inner or outer dimension below 16" : undefined;
}

/** Why ONNX Runtime's CPU provider has no integer kernel for a weighted node; undefined when it has. */
function refusedByOrtCpu({ node }: WeightedOp): string | undefined {
  return node.op === "ConvTranspose"
    ? "has no integer kernel on ONNX Runtime's CPU provider"
    : undefined;
}

/**
 * Finds the nodes that stay on integers around weighted ones: first those that something integer reads, from the end of
 * the graph to its start; then those whose inputs all stand in integers and that a weighted node follows, if a float one.
 */
function carry(
  { model, weighted: wanted, float }: Annotation,
  weighted: ReadonlyMap<Node, WeightedOp>,
): { carried: Set<Node>; absorbed: Set<Node> } {
  const { graph } = model;
  const opset = defaultOpset(model);
  const carried = new Set<Node>();
  const absorbed = new Set<Node>();
  const readers = (node: Node): readonly Use[] => node.outputs.flatMap((v) => v.uses());
  const feedsIntegers = (node: Node): boolean =>
    readers(node).some(({ node: reader, index }) =>
      weighted.has(reader)
        ? index === 0
        : absorbed.has(reader) || (carried.has(reader) && (!isMoveOp(reader) || index === 0)),
    );
  /** The node whose rounding could do a clamp's work. */
  const clamped = (node: Node): Node | undefined => {
    const input = isClamp(node) ? node.inputs[0] : undefined;
    const producer = input?.producer();
    if (!input || !producer || input.uses().length !== 1 || graph.outputs.includes(input))
      return undefined;
    return weighted.has(producer) || (isCarriable(producer, opset) && !isMove(producer, opset))
      ? producer
      : undefined;
  };
  for (const node of [...graph.nodes].reverse()) {
    const producer = clamped(node);
    if (producer) {
      if (weighted.has(producer) || feedsIntegers(node)) absorbed.add(node);
    } else if (!isClamp(node) && isCarriable(node, opset) && feedsIntegers(node)) carried.add(node);
  }
  const leads = new Set<Node>();
  for (const node of [...graph.nodes].reverse())
    if (readers(node).some((u) => leads.has(u.node) || wanted.has(u.node) || float.has(u.node)))
      leads.add(node);
  const isInteger = (value: Value): boolean => {
    const producer = value.producer();
    return (
      value.initializer !== undefined ||
      (producer !== null && [weighted, carried, absorbed].some((s) => s.has(producer)))
    );
  };
  for (const node of graph.nodes) {
    if (!leads.has(node)) continue;
    const producer = clamped(node);
    if (producer && carried.has(producer)) absorbed.add(node);
    else if (!isClamp(node) && isCarriable(node, opset) && dataInputs(node).every(isInteger))
      carried.add(node);
  }
  return { carried, absorbed };
}

/**
 * Fits an annotation to what a backend can do: drops the weighted nodes it cannot run on integers, and finds the nodes
 * in between that then stay on integers too.
 */
export function planFor(annotation: Annotation, target: QuantizationTarget): TargetPlan {
  const opset = defaultOpset(annotation.model);
  const float = new Map(annotation.float);
  const weighted = new Map<Node, WeightedOp>();
  for (const [node, op] of annotation.weighted) {
    const reason =
      target === "tensorrt" ? tensorRtRefusal(node, op.weightData.dims) : refusedByOrtCpu(op);
    if (reason === undefined) weighted.set(node, op);
    else float.set(node, reason);
  }
  const { carried, absorbed } = carry(annotation, weighted);
  const groups = createGroups();
  for (const node of carried)
    if (isMove(node, opset) || (target === "tensorrt" && node.op === "Concat"))
      groups.join([...dataInputs(node), ...node.outputs].map((v) => v.name));
  return { target, annotation, weighted, carried, absorbed, float, groups: groups.all() };
}

/** Where a node's result is rounded: after the clamp that it absorbed, if any. */
export function roundedOutputs(plan: TargetPlan, node: Node): readonly Value[] {
  return node.outputs.map((value) => {
    const next = value.uses()[0]?.node;
    return next && plan.absorbed.has(next) ? (next.outputs[0] ?? value) : value;
  });
}

/**
 * Activations whose ranges a plan needs, in graph order: all that integer nodes read and write, and what shares a scale
 * with them.
 */
export function plannedValues(plan: TargetPlan): readonly Value[] {
  const values = new Set<Value>();
  for (const node of plan.annotation.model.graph.nodes) {
    if (!plan.weighted.has(node) && !plan.carried.has(node)) continue;
    const reads = plan.weighted.has(node) ? node.inputs.slice(0, 1) : dataInputs(node);
    for (const v of [...reads, ...roundedOutputs(plan, node)])
      if (v && !v.initializer) values.add(v);
  }
  return [...values];
}
