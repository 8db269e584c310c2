import { EdgeDistillError } from "../../base/index.js";
import { defaultOpset, GraphBuilder, type Graph, type Model, type Node } from "../ir/index.js";
import { InferContext } from "./context.js";
import { rememberElements } from "./known.js";
import { opSpec } from "./table.js";

/** Why a node has no spec to infer with; undefined when it has one. */
function missing(node: Node, opset: number): string | undefined {
  const spec = opSpec(node.op, node.domain);
  if (!spec) return "no shape inference for this op";
  if (spec.domain === "" && opset < spec.sinceOpset)
    return `needs opset ${String(spec.sinceOpset)}`;
  return undefined;
}

function infer(node: Node, opset: number): void {
  for (const output of node.outputs) rememberElements(output, undefined);
  opSpec(node.op, node.domain)?.infer(node, new InferContext(node, opset));
}

/**
 * Sets dtype and dims on a node's outputs.
 * @throws ONNX_SHAPE_INFERENCE when the op is unknown at this opset or the inputs do not fit
 */
export function inferNode(node: Node, opset: number): void {
  const reason = missing(node, opset);
  if (reason)
    throw new EdgeDistillError(
      "ONNX_SHAPE_INFERENCE",
      `Cannot infer node "${node.name}" (${node.domain ? `${node.domain}.` : ""}${node.op}, opset ${String(opset)}): ${reason}`,
      {
        hint: "Use an op the table in src/onnx/ops knows, or add a spec with defineOp().",
        details: { node: node.name, op: node.op, domain: node.domain, opset },
      },
    );
  infer(node, opset);
}

/** Nodes that inference could not handle; their outputs keep what the file declares. */
export interface InferenceReport {
  unknown: readonly { node: string; op: string; domain: string; reason: string }[];
}

/**
 * Sets dtype and dims on every value of a model, in node order. Ops without a spec are reported, not refused.
 * @throws ONNX_SHAPE_INFERENCE when a known op's inputs do not fit
 */
export function inferShapes(model: Model): InferenceReport {
  return inferGraph(model.graph, defaultOpset(model));
}

function inferGraph(graph: Graph, opset: number): InferenceReport {
  const unknown: { node: string; op: string; domain: string; reason: string }[] = [];
  for (const node of graph.nodes) {
    for (const attribute of node.attributes.values())
      if (attribute.type === "graph") unknown.push(...inferGraph(attribute.value, opset).unknown);
    const reason = missing(node, opset);
    if (reason) unknown.push({ node: node.name, op: node.op, domain: node.domain, reason });
    else infer(node, opset);
  }
  return { unknown };
}

/**
 * A builder that infers shapes as it goes.
 * @throws ONNX_SHAPE_INFERENCE from its `op` and `multi`, naming node and op
 */
export function createBuilder({
  opset = 17,
  graph,
}: { opset?: number; graph?: Graph } = {}): GraphBuilder {
  return new GraphBuilder({ ...(graph ? { graph } : {}), opset, infer: inferNode });
}
