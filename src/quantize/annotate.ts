import type { Graph, Model, Node } from "../onnx/index.js";
import { EdgeDistillError } from "../base/index.js";
import { multiplyAccumulates, type InputDims } from "./macs.js";
import { WEIGHTED_OPS, weightedOp, type WeightedOp } from "./weighted-op.js";

/** What may stay float: nothing, all of it, or what costs little of the integer share. */
export type FloatPolicy = "int8" | "float" | "auto";

export interface AnnotateOptions {
  /** Weighted nodes to leave float besides those that the policies below choose. */
  keepFloat?: (node: Node) => boolean;
  /** Weighted nodes that read a graph input. Default `int8`: 8-bit pixels lose nothing by an 8-bit input. */
  stem?: FloatPolicy;
  /** Weighted nodes with no weighted node after them. Default `auto`. */
  headOutputs?: FloatPolicy;
  /** Shapes to assume for inputs with free dimensions. */
  inputDims?: InputDims;
}

/** Share of all multiply-accumulates that `auto` leaves float at most, per policy. */
export const AUTO_FLOAT_SHARE = 0.05;

/** A model with the decision which of its weighted nodes are to be integer; nothing about how. */
export interface Annotation {
  readonly model: Model;
  readonly weighted: ReadonlyMap<Node, WeightedOp>;
  /** Weighted nodes that stay float, and why. */
  readonly float: ReadonlyMap<Node, string>;
  /** Multiply-accumulates per sample, by the node's first output name. */
  readonly macs: ReadonlyMap<string, number>;
}

/** Nodes after which no weighted node comes, and nodes before which none comes. */
function extremes(graph: Graph): { stems: Set<Node>; heads: Set<Node> } {
  const weighted = graph.nodes.filter(
    (n) => WEIGHTED_OPS.includes(n.op) && n.inputs[1]?.initializer,
  );
  const below = new Map<Node, boolean>();
  for (const node of [...graph.nodes].reverse()) {
    const feeds = node.outputs.flatMap((v) => v.uses().map((u) => u.node));
    below.set(
      node,
      feeds.some((n) => weighted.includes(n) || below.get(n) === true),
    );
  }
  const above = new Map<Node, boolean>();
  for (const node of graph.nodes) {
    const producers = node.inputs.map((v) => v?.producer());
    above.set(
      node,
      producers.some(
        (n) => n !== null && n !== undefined && (weighted.includes(n) || above.get(n) === true),
      ),
    );
  }
  return {
    stems: new Set(weighted.filter((n) => !above.get(n))),
    heads: new Set(weighted.filter((n) => !below.get(n))),
  };
}

/**
 * Decides which Conv, ConvTranspose, Gemm and MatMul nodes are to run on integers. Policy only: what a backend can do
 * is {@link planFor}'s, how it is written is the lowerings'.
 * @param model prepared; see {@link prepare}
 * @throws QUANTIZE_NOTHING when no node is left
 */
export function annotate(
  model: Model,
  {
    keepFloat = () => false,
    stem = "int8",
    headOutputs = "auto",
    inputDims = {},
  }: AnnotateOptions = {},
): Annotation {
  const macs = multiplyAccumulates(model, { inputDims });
  const weighted = new Map<Node, WeightedOp>();
  const float = new Map<Node, string>();
  const { stems, heads } = extremes(model.graph);
  const keeps = (policy: FloatPolicy, nodes: ReadonlySet<Node>): boolean =>
    policy === "float" || (policy === "auto" && shareOf(nodes, macs) <= AUTO_FLOAT_SHARE);
  const floatStem = keeps(stem, stems);
  const floatHeads = keeps(headOutputs, heads);
  for (const node of model.graph.nodes) {
    if (!WEIGHTED_OPS.includes(node.op)) continue;
    const op = weightedOp(node);
    if (typeof op === "string") float.set(node, op);
    else if (keepFloat(node)) float.set(node, "kept float on request");
    else if (floatStem && stems.has(node)) float.set(node, "reads the model's input");
    else if (floatHeads && heads.has(node)) float.set(node, "computes an output of the head");
    else weighted.set(node, op);
  }
  if (weighted.size === 0) throw nothing(float);
  return { model, weighted, float, macs };
}

/** Part of all known multiply-accumulates that falls on `nodes`; 1 when they are unknown. */
function shareOf(nodes: ReadonlySet<Node>, macs: ReadonlyMap<string, number>): number {
  let all = 0;
  for (const n of macs.values()) all += n;
  let part = 0;
  for (const node of nodes) part += macs.get(node.outputs[0]?.name ?? "") ?? Infinity;
  return all > 0 ? Math.min(1, part / all) : 1;
}

function nothing(float: ReadonlyMap<Node, string>): EdgeDistillError {
  const [first] = float;
  const why = first ? `; the first, "${first[0].name}" (${first[0].op}), ${first[1]}` : "";
  return new EdgeDistillError(
    "QUANTIZE_NOTHING",
    `The model has no Conv, Gemm or MatMul that can be integer (${String(float.size)} stay float${why})`,
    {
      hint: "Quantize a model with constant float32 weights, or let keepFloat keep less.",
      details: { float: [...float].map(([n, reason]) => ({ node: n.name, op: n.op, reason })) },
    },
  );
}
