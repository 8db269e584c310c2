import type { HostTensor } from "../../tensor/index.js";
import type { Graph, Node, Value } from "../ir/index.js";

/**
 * The fixed content of a value: an initializer that no input overrides, or a Constant node's tensor.
 * Undefined for everything else.
 */
export function constantOf(graph: Graph, value: Value | null | undefined): HostTensor | undefined {
  if (!value) return undefined;
  if (value.initializer) return graph.inputs.includes(value) ? undefined : value.initializer;
  const producer = value.producer();
  if (producer?.op !== "Constant") return undefined;
  const a = producer.attributes.get("value");
  return a?.type === "tensor" ? a.value : undefined;
}

/** A constant's content when it is float32. */
export function float32Of(
  graph: Graph,
  value: Value | null | undefined,
): HostTensor<"float32"> | undefined {
  const constant = constantOf(graph, value);
  return constant?.dtype === "float32" ? (constant as HostTensor<"float32">) : undefined;
}

/**
 * Takes a node out of the graph by letting `replacement` stand for its first output. A graph output keeps its name:
 * the replacement takes it over when it is a node's result with no output name of its own.
 * @returns false, with nothing changed, when the name cannot be taken over or other outputs are in use
 */
export function bypass(graph: Graph, node: Node, replacement: Value): boolean {
  const [output, ...others] = node.outputs;
  if (!output || others.some((v) => v.uses().length > 0 || graph.outputs.includes(v))) return false;
  if (graph.outputs.includes(output)) {
    if (!replacement.producer() || graph.outputs.includes(replacement)) return false;
    const { name } = output;
    output.name = graph.uniqueName(`${name}_before`);
    replacement.name = name;
    graph.replaceOutput(output, replacement);
  }
  output.replaceAllUsesWith(replacement);
  graph.remove(node);
  return true;
}
