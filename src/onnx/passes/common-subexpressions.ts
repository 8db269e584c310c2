import type { HostTensor } from "../../tensor/index.js";
import {
  subgraphs,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type Value,
} from "../ir/index.js";
import { bypass } from "./constant.js";
import { definePass } from "./pass.js";

/** Constants up to this many elements are compared by content; larger ones only by identity. */
const CONTENT_LIMIT = 4096;

const RANDOM = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/**
 * Computes equal things once:
 * 1. constants of equal type, shape and content become one,
 * 2. nodes of equal op, attributes and inputs become one. Random ops, training-mode Dropout and nodes with subgraphs stay.
 * Two outputs of the graph never merge: each keeps its node.
 */
export const commonSubexpressions = definePass({
  name: "commonSubexpressions",
  run: ({ graph }: Model) => {
    const ids = new Ids();
    mergeConstants(graph, ids);
    const first = new Map<string, Node>();
    for (const node of [...graph.nodes]) {
      if (
        RANDOM.has(node.op) ||
        subgraphs(node).length > 0 ||
        (node.op === "Dropout" && node.inputs[2])
      )
        continue;
      const key = nodeKey(node, ids);
      const twin = first.get(key);
      if (!twin) first.set(key, node);
      else merge(graph, node, twin);
    }
    graph.removeDeadNodes();
  },
});

/** Lets the twin's outputs stand for the node's, where names allow. */
function merge(graph: Graph, node: Node, twin: Node): void {
  if (node.outputs.length === 1) {
    const [output] = twin.outputs;
    if (output) bypass(graph, node, output);
    return;
  }
  if (node.outputs.some((v) => graph.outputs.includes(v))) return;
  node.outputs.forEach((v, i) => {
    const stand = twin.outputs[i];
    if (stand) v.replaceAllUsesWith(stand);
  });
  graph.remove(node);
}

function mergeConstants(graph: Graph, ids: Ids): void {
  const first = new Map<string, Value>();
  for (const value of [...graph.initializers.values()]) {
    if (!value.initializer || graph.inputs.includes(value) || graph.outputs.includes(value))
      continue;
    const key = tensorKey(value.initializer, ids);
    const twin = first.get(key);
    if (!twin) first.set(key, value);
    else {
      value.replaceAllUsesWith(twin);
      graph.removeInitializer(value);
    }
  }
}

/** Numbers for objects, in order of first sight. */
class Ids {
  readonly #ids = new Map<object, number>();

  of(object: object): number {
    let id = this.#ids.get(object);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(object, id);
    }
    return id;
  }
}

function tensorKey({ dtype, dims, data }: HostTensor, ids: Ids): string {
  const head = `${dtype}[${dims.join(",")}]`;
  if (data.length > CONTENT_LIMIT) return `${head}#${String(ids.of(data))}`;
  if (Array.isArray(data)) return head + JSON.stringify(data);
  // bytes, not numbers: -0 and 0 differ, NaN equals itself
  return head + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
}

function nodeKey(node: Node, ids: Ids): string {
  const attributes = [...node.attributes]
    .map(([name, a]) => `${name}:${a.type}=${attributeKey(a, ids)}`)
    .sort();
  const inputs = node.inputs.map((v) => (v ? ids.of(v) : "-"));
  while (inputs.at(-1) === "-") inputs.pop();
  return JSON.stringify([
    node.domain,
    node.op,
    node.outputs.map((v) => v.name !== ""),
    inputs,
    attributes,
  ]);
}

/** Numbers in full: JSON has no infinities and no negative zero. */
function attributeKey(a: Attribute, ids: Ids): string {
  switch (a.type) {
    case "tensor":
      return tensorKey(a.value, ids);
    case "float":
    case "floats":
      return [a.value]
        .flat()
        .map((v) => (Object.is(v, -0) ? "-0" : String(v)))
        .join();
    case "graph":
      return String(ids.of(a.value));
    default:
      return JSON.stringify(a.value);
  }
}
