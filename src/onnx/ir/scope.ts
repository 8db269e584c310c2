import type { Graph } from "./graph.js";
import type { Node } from "./node.js";
import type { Value } from "./value.js";

/** The graphs that a node holds as attributes (bodies of If, Loop, Scan). */
export function subgraphs(node: Node): readonly Graph[] {
  const graphs: Graph[] = [];
  for (const attribute of node.attributes.values())
    if (attribute.type === "graph") graphs.push(attribute.value);
  return graphs;
}

/** Every value a node reads: its inputs, and all that its subgraphs read, at any depth. */
export function* dependencies(node: Node): Generator<Value> {
  for (const input of node.inputs) if (input) yield input;
  for (const graph of subgraphs(node)) for (const inner of graph.nodes) yield* dependencies(inner);
}

/** Nodes of a graph and of all graphs inside it, outer before inner. */
export function* allNodes(graph: Graph): Generator<Node> {
  for (const node of graph.nodes) {
    yield node;
    for (const inner of subgraphs(node)) yield* allNodes(inner);
  }
}
