import { EdgeDistillError } from "../../base/index.js";
import { subgraphs, type Graph, type Model, type Node, type Value } from "../ir/index.js";

/**
 * Checks a model's invariants: names are unique, nodes stand in execution order, every input is provided by something
 * in scope, outputs know their producer, and recorded uses are the real ones.
 * @throws ONNX_INVALID_GRAPH with the first violation; `details.violations` has all
 */
export function verifyGraph(model: Model): void {
  const violations: string[] = [];
  const nodes = new Set<Node>();
  collect(model.graph, nodes);
  check(model.graph, { available: new Set(), names: new Map() }, nodes, violations);
  const [first] = violations;
  if (first === undefined) return;
  throw new EdgeDistillError(
    "ONNX_INVALID_GRAPH",
    `The graph "${model.graph.name}" is inconsistent: ${first}`,
    {
      hint: "Edit graphs through Node.setInput, Graph.addNode and Graph.remove only.",
      details: { violations },
    },
  );
}

interface Scope {
  available: ReadonlySet<Value>;
  names: ReadonlyMap<string, Value>;
}

function collect(graph: Graph, into: Set<Node>): void {
  for (const node of graph.nodes) {
    into.add(node);
    for (const inner of subgraphs(node)) collect(inner, into);
  }
}

const label = (node: Node): string => `node "${node.name}" (${node.op})`;

function check(graph: Graph, outer: Scope, all: ReadonlySet<Node>, violations: string[]): void {
  const available = new Set(outer.available);
  const names = new Map(outer.names);
  const nodeNames = new Set<string>();
  const introduce = (value: Value, by: string): void => {
    const other = names.get(value.name);
    if (other && other !== value)
      violations.push(`the name "${value.name}" of ${by} is taken by another value`);
    names.set(value.name, value);
    available.add(value);
    for (const { node, index } of value.uses())
      if (!all.has(node) || node.inputs[index] !== value)
        violations.push(
          `"${value.name}" lists a use by ${label(node)} at input ${String(index)} that is not there`,
        );
  };
  for (const [key, value] of graph.initializers) {
    introduce(value, "an initializer");
    if (key !== value.name) violations.push(`initializer "${value.name}" is filed under "${key}"`);
    if (!value.initializer) violations.push(`initializer "${value.name}" has no content`);
    else if (
      String(value.dims) !== String(value.initializer.dims) ||
      value.dtype !== value.initializer.dtype
    )
      violations.push(
        `initializer "${value.name}" says ${String(value.dtype)} [${String(value.dims)}] and holds ${value.initializer.dtype} [${String(value.initializer.dims)}]`,
      );
  }
  for (const input of graph.inputs) introduce(input, "an input");
  for (const node of graph.nodes) {
    if (node.name !== "" && nodeNames.has(node.name))
      violations.push(`two nodes are called "${node.name}"`);
    nodeNames.add(node.name);
    node.inputs.forEach((value, index) => {
      if (!value) return;
      if (!available.has(value))
        violations.push(`${label(node)} reads "${value.name}", which nothing provides before it`);
      if (!value.uses().some((u) => u.node === node && u.index === index))
        violations.push(`${label(node)} reads "${value.name}", which does not know of it`);
    });
    for (const inner of subgraphs(node)) check(inner, { available, names }, all, violations);
    for (const output of node.outputs) {
      if (output.producer() !== node)
        violations.push(`"${output.name}" does not know that ${label(node)} computes it`);
      if (output.name !== "") introduce(output, label(node));
    }
  }
  const outputNames = new Set<string>();
  for (const output of graph.outputs) {
    if (!available.has(output))
      violations.push(`the output "${output.name}" is computed by nothing`);
    if (outputNames.has(output.name))
      violations.push(`the output "${output.name}" is listed twice`);
    outputNames.add(output.name);
  }
}
