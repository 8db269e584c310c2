import { EdgeDistillError } from "../../base/index.js";
import type { DType, HostTensor } from "../../tensor/index.js";
import type { Attribute } from "./attribute.js";
import { Node, type NodeInit } from "./node.js";
import { dependencies } from "./scope.js";
import { Value, type Dim } from "./value.js";

/** A dataflow graph: named inputs and outputs, constants, and nodes in execution order. */
export class Graph {
  name: string;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  #initializers = new Map<string, Value>();
  #nodes: Node[] = [];
  #names = new Set<string>();
  #serial = 0;

  constructor(name = "graph") {
    this.name = name;
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Constants by name. */
  get initializers(): ReadonlyMap<string, Value> {
    return this.#initializers;
  }

  /** A name no value or node of this graph carries yet. */
  uniqueName(stem: string): string {
    let name = stem;
    while (this.#names.has(name)) name = `${stem}_${String(++this.#serial)}`;
    this.#names.add(name);
    return name;
  }

  /** Whether no value or node of this graph carries the name. */
  isFree(name: string): boolean {
    return !this.#names.has(name);
  }

  /** Marks a name as taken (for values that a caller creates itself). */
  reserveName(name: string): void {
    this.#names.add(name);
  }

  /** A value with a name of its own in this graph, for a node about to be added. */
  newValue(
    stem: string,
    facts: { dtype?: DType | undefined; dims?: readonly Dim[] | undefined } = {},
  ): Value {
    return new Value(this.uniqueName(stem), facts);
  }

  addInput(value: Value): Value {
    this.#names.add(value.name);
    this.inputs.push(value);
    return value;
  }

  addOutput(value: Value): Value {
    this.outputs.push(value);
    return value;
  }

  /** Points every graph output that is `from` to `to`, keeping position; the name travels only by the caller's choice. */
  replaceOutput(from: Value, to: Value): void {
    this.outputs.forEach((v, i) => {
      if (v === from) this.outputs[i] = to;
    });
  }

  addInitializer(name: string, data: HostTensor): Value {
    const value = new Value(this.uniqueName(name), { initializer: data });
    this.#initializers.set(value.name, value);
    return value;
  }

  /** Removes a constant that nothing uses. @throws ONNX_INVALID_GRAPH when it is used */
  removeInitializer(value: Value): void {
    if (value.uses().length > 0)
      throw new EdgeDistillError(
        "ONNX_INVALID_GRAPH",
        `Initializer "${value.name}" is still used`,
        {
          details: { value: value.name },
        },
      );
    this.#initializers.delete(value.name);
  }

  /** Creates a node and inserts it: at the end, or before/after a given node. */
  addNode(init: NodeInit, { before, after }: { before?: Node; after?: Node } = {}): Node {
    const node = new Node(init);
    for (const output of node.outputs) this.#names.add(output.name);
    const anchor = before ?? after;
    if (anchor === undefined) this.#nodes.push(node);
    else this.#nodes.splice(this.#nodes.indexOf(anchor) + (before ? 0 : 1), 0, node);
    return node;
  }

  /** Removes a node whose outputs nothing uses. @throws ONNX_INVALID_GRAPH */
  remove(node: Node): void {
    for (const output of node.outputs)
      if (output.uses().length > 0 || this.outputs.includes(output))
        throw new EdgeDistillError(
          "ONNX_INVALID_GRAPH",
          `Node "${node.name}" (${node.op}) cannot be removed: its output "${output.name}" is still used`,
          { details: { node: node.name, value: output.name } },
        );
    const at = this.#nodes.indexOf(node);
    if (at >= 0) this.#nodes.splice(at, 1);
    node.detach();
  }

  /** Removes a set of nodes in one sweep (uses among them are allowed). */
  removeAll(dead: ReadonlySet<Node>): void {
    this.#nodes = this.#nodes.filter((n) => !dead.has(n));
    for (const node of dead) node.detach();
  }

  /** Orders nodes so that producers come before consumers; stable. @throws ONNX_INVALID_GRAPH on a cycle */
  sortTopologically(): void {
    const done = new Set<Node>();
    const open = new Set<Node>();
    const order: Node[] = [];
    const inGraph = new Set(this.#nodes);
    const visit = (root: Node): void => {
      const stack = [{ node: root, reads: [...dependencies(root)], next: 0 }];
      open.add(root);
      while (stack.length > 0) {
        const frame = stack[stack.length - 1];
        if (!frame) break;
        if (frame.next >= frame.reads.length) {
          stack.pop();
          open.delete(frame.node);
          done.add(frame.node);
          order.push(frame.node);
          continue;
        }
        const producer = frame.reads[frame.next++]?.producer();
        if (!producer || done.has(producer) || !inGraph.has(producer)) continue;
        if (open.has(producer))
          throw new EdgeDistillError(
            "ONNX_INVALID_GRAPH",
            `Cycle through node "${producer.name}" (${producer.op})`,
            {
              details: { node: producer.name },
            },
          );
        open.add(producer);
        stack.push({ node: producer, reads: [...dependencies(producer)], next: 0 });
      }
    };
    for (const node of this.#nodes) if (!done.has(node)) visit(node);
    this.#nodes = order;
  }

  /** Removes nodes and initializers that no graph output depends on. Returns how many nodes went. */
  removeDeadNodes(): number {
    const live = new Set<Node>();
    const stack = this.outputs.map((v) => v.producer());
    const inGraph = new Set(this.#nodes);
    while (stack.length > 0) {
      const node = stack.pop();
      if (!node || live.has(node) || !inGraph.has(node)) continue;
      live.add(node);
      for (const value of dependencies(node)) stack.push(value.producer());
    }
    const dead = new Set(this.#nodes.filter((n) => !live.has(n)));
    this.removeAll(dead);
    for (const value of [...this.#initializers.values()])
      if (value.uses().length === 0 && !this.outputs.includes(value))
        this.#initializers.delete(value.name);
    return dead.size;
  }

  /** Finds a value by name among inputs, initializers and node outputs. */
  value(name: string): Value | undefined {
    const constant = this.#initializers.get(name) ?? this.inputs.find((v) => v.name === name);
    if (constant) return constant;
    for (const node of this.#nodes)
      for (const output of node.outputs) if (output.name === name) return output;
    return undefined;
  }
}

/** A graph with the versions it is written in. */
export interface Model {
  graph: Graph;
  irVersion: number;
  /** Opset version per domain; "" is the default domain. */
  opsets: Map<string, number>;
  producerName?: string;
  producerVersion?: string;
  metadata: Map<string, string>;
}

/** The default-domain opset of a model. */
export function defaultOpset(model: Model): number {
  return model.opsets.get("") ?? model.opsets.get("ai.onnx") ?? 1;
}

export interface CloneResult {
  graph: Graph;
  /** original value → its copy */
  values: Map<Value, Value>;
}

/** Deep copy of structure, subgraphs included; tensor data is shared, since initializers are never edited in place. */
export function cloneGraph(source: Graph): CloneResult {
  const values = new Map<Value, Value>();
  return { graph: cloneInto(source, values), values };
}

/** Copies a graph; values already in `values` (of an enclosing graph) are referred to, not copied. */
function cloneInto(source: Graph, values: Map<Value, Value>): Graph {
  const graph = new Graph(source.name);
  for (const v of source.initializers.values()) {
    if (v.initializer) values.set(v, graph.addInitializer(v.name, v.initializer));
  }
  for (const v of source.inputs) {
    const existing = values.get(v);
    values.set(v, graph.addInput(existing ?? new Value(v.name, { dtype: v.dtype, dims: v.dims })));
  }
  const copyOf = (v: Value): Value => {
    let copy = values.get(v);
    if (!copy) {
      copy = new Value(v.name, { dtype: v.dtype, dims: v.dims });
      values.set(v, copy);
    }
    return copy;
  };
  for (const node of source.nodes) {
    const attributes = [...node.attributes].map(([name, a]): [string, Attribute] => [
      name,
      a.type === "graph" ? { type: "graph", value: cloneInto(a.value, values) } : a,
    ]);
    graph.addNode({
      op: node.op,
      domain: node.domain,
      name: node.name,
      inputs: node.inputs.map((v) => (v ? copyOf(v) : null)),
      outputs: node.outputs.map(copyOf),
      attributes: Object.fromEntries(attributes),
    });
    if (node.name) graph.reserveName(node.name);
  }
  for (const v of source.outputs) graph.addOutput(copyOf(v));
  return graph;
}

/** Deep copy of a model; see {@link cloneGraph}. */
export function cloneModel(model: Model): Model {
  return {
    ...model,
    graph: cloneGraph(model.graph).graph,
    opsets: new Map(model.opsets),
    metadata: new Map(model.metadata),
  };
}
