import { elementCount, float32, int64, type HostTensor } from "../../tensor/index.js";
import {
  cloneModel,
  defaultOpset,
  Graph,
  subgraphs,
  Value,
  type Model,
  type Node,
} from "../ir/index.js";
import { inferShapes } from "../ops/index.js";
import { knownElements } from "../ops/known.js";
import { constantOf } from "./constant.js";
import { evaluateNode } from "./evaluate.js";
import { definePass } from "./pass.js";
import { verifyGraph } from "./verify.js";

export interface FoldConstantsOptions {
  /** Results with more elements than this stay computed, so that a file does not swell. Default 2^20. */
  maxElements: number;
}

const MAX_ELEMENTS = 2 ** 20;

/**
 * Computes what does not depend on the inputs, and turns it into initializers:
 * 1. Constant nodes,
 * 2. nodes with constant inputs, for the ops of shape arithmetic and weight preparation,
 * 3. small integer results that shape inference knows in full, such as the Shape of a fixed shape.
 * Values that are outputs of the graph stay computed. For other ops see {@link foldConstantsBy}.
 */
export const foldConstants = definePass<FoldConstantsOptions>({
  name: "foldConstants",
  run: (model: Model, { maxElements = MAX_ELEMENTS }) => {
    const { graph } = model;
    inferShapes(model);
    for (const node of [...graph.nodes]) {
      const [output] = node.outputs;
      if (!output || node.outputs.length !== 1 || graph.outputs.includes(output)) continue;
      const folded = constantNode(node) ?? known(output) ?? computed(graph, node);
      if (folded && folded.data.length <= maxElements)
        replaceByConstant(graph, node, output, folded);
    }
    graph.removeDeadNodes();
  },
});

/** Case 1. */
function constantNode(node: Node): HostTensor | undefined {
  if (node.op !== "Constant") return undefined;
  for (const [name, a] of node.attributes) {
    if (name === "value" && a.type === "tensor") return a.value;
    if (a.type === "int") return int64([a.value], []);
    if (a.type === "ints") return int64(a.value);
    if (a.type === "float") return float32([], [a.value]);
    if (a.type === "floats") return float32([a.value.length], a.value);
  }
  return undefined;
}

/** Case 2. */
function computed(graph: Graph, node: Node): HostTensor | undefined {
  if (node.inputs.length === 0) return undefined;
  const inputs: (HostTensor | null)[] = [];
  for (const input of node.inputs) {
    const constant = input ? constantOf(graph, input) : null;
    if (constant === undefined) return undefined;
    inputs.push(constant);
  }
  const result = evaluateNode(node, inputs);
  return result && result.dtype === node.outputs[0]?.dtype ? result : undefined;
}

/** Case 3. */
function known(output: Value): HostTensor | undefined {
  const dims = output.staticDims();
  const elements = knownElements(output);
  if (output.dtype !== "int64" || !dims || !elements || elementCount(dims) !== elements.length)
    return undefined;
  return elements.every((e): e is number => Number.isSafeInteger(e))
    ? int64(elements, dims)
    : undefined;
}

function replaceByConstant(graph: Graph, node: Node, output: Value, content: HostTensor): void {
  const constant = graph.addInitializer(`${output.name}_const`, content);
  output.replaceAllUsesWith(constant);
  graph.remove(node);
}

/** Runs a model without inputs and gives its outputs by name; an engine session does. */
export type Evaluate = (model: Model) => Promise<Readonly<Record<string, HostTensor>>>;

const NOT_CONSTANT = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
  "DequantizeLinear",
]);

/**
 * {@link foldConstants} for every op: cuts out all that depends on constants alone and lets `evaluate` compute it in one
 * run. Constant DequantizeLinear stays: it keeps weights small and tells the backend that they are quantized.
 * @throws what `evaluate` throws
 */
export async function foldConstantsBy(
  source: Model,
  evaluate: Evaluate,
  { maxElements = MAX_ELEMENTS }: Partial<FoldConstantsOptions> = {},
): Promise<Model> {
  const model = cloneModel(foldConstants(source, { maxElements }));
  const { graph } = model;
  inferShapes(model);
  const foldable = new Set<Node>();
  const fixed = (v: Value | null): boolean => {
    if (!v) return true;
    const producer = v.producer();
    return producer ? foldable.has(producer) : constantOf(graph, v) !== undefined;
  };
  for (const node of graph.nodes)
    if (!NOT_CONSTANT.has(node.op) && subgraphs(node).length === 0 && node.inputs.every(fixed))
      foldable.add(node);
  const wanted = [...foldable].flatMap((node) =>
    node.outputs.filter((v) => isFrontier(graph, v, foldable, maxElements)),
  );
  if (wanted.length === 0) return model;
  const results = await evaluate(cutOut(model, foldable, wanted));
  for (const value of wanted) {
    const content = results[value.name];
    if (content) value.replaceAllUsesWith(graph.addInitializer(`${value.name}_const`, content));
  }
  graph.removeDeadNodes();
  verifyGraph(model);
  return model;
}

/** Whether a foldable node's result is read by something that stays, and is small enough to store. */
function isFrontier(
  graph: Graph,
  value: Value,
  foldable: ReadonlySet<Node>,
  maxElements: number,
): boolean {
  const dims = value.staticDims();
  return (
    !graph.outputs.includes(value) &&
    dims !== undefined &&
    elementCount(dims) <= maxElements &&
    value.uses().some((u) => !foldable.has(u.node))
  );
}

/** A model of the given nodes alone, computing the given values. */
function cutOut(model: Model, nodes: ReadonlySet<Node>, wanted: readonly Value[]): Model {
  const graph = new Graph("constants");
  const copies = new Map<Value, Value>();
  const copyOf = (v: Value): Value => {
    let copy = copies.get(v);
    if (!copy) {
      copy = v.initializer
        ? graph.addInitializer(v.name, v.initializer)
        : new Value(v.name, { dtype: v.dtype, dims: v.dims });
      copies.set(v, copy);
    }
    return copy;
  };
  for (const node of nodes)
    graph.addNode({
      op: node.op,
      domain: node.domain,
      name: node.name,
      inputs: node.inputs.map((v) => v && copyOf(v)),
      outputs: node.outputs.map(copyOf),
      attributes: Object.fromEntries(node.attributes),
    });
  for (const v of wanted) graph.addOutput(copyOf(v));
  graph.removeDeadNodes();
  return {
    graph,
    irVersion: model.irVersion,
    opsets: new Map([["", defaultOpset(model)], ...model.opsets]),
    metadata: new Map(),
  };
}
