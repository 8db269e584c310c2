import type { Graph, Model, Node, Value } from "../ir/index.js";
import { inferShapes } from "../ops/index.js";
import { bypass, constantOf } from "./constant.js";
import { definePass } from "./pass.js";

/**
 * Removes nodes that hand their input on unchanged:
 * 1. Identity, and Sum, Mean, Min, Max, Concat of one input,
 * 2. Dropout in inference mode whose mask is not used,
 * 3. Cast to the element type it already has,
 * 4. Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile, Slice and Pad that leave the shape as it is,
 * 5. Transpose that moves no axis.
 * A node between a graph input (or constant) and a graph output stays: both names are public.
 */
export const removeIdentity = definePass({
  name: "removeIdentity",
  run: (model: Model) => {
    inferShapes(model);
    for (const node of [...model.graph.nodes]) {
      const [x] = node.inputs;
      if (x && node.domain === "" && handsOn(model.graph, node, x)) bypass(model.graph, node, x);
    }
    model.graph.removeDeadNodes();
  },
});

function handsOn(graph: Graph, node: Node, x: Value): boolean {
  switch (node.op) {
    case "Identity":
      return true;
    case "Sum":
    case "Mean":
    case "Min":
    case "Max":
    case "Concat":
      return node.inputs.length === 1;
    case "Dropout": {
      const training = node.inputs[2];
      if (!training) return true;
      const constant = constantOf(graph, training);
      return constant !== undefined && Number(constant.data[0]) === 0;
    }
    case "Cast":
      return x.dtype !== undefined && node.outputs[0]?.dtype === x.dtype;
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
    case "Expand":
    case "Tile":
      return sameShape(x, node.outputs[0]);
    case "Slice":
      return sameShape(x, node.outputs[0]) && !reverses(graph, node);
    case "Pad":
      return sameShape(x, node.outputs[0]) && noPads(graph, node);
    case "Transpose":
      return node.ints("perm")?.every((p, i) => p === i) ?? x.dims?.length === 1;
    default:
      return false;
  }
}

/** Equal symbols are equal numbers; a symbol made for one value alone equals nothing else. */
function sameShape(x: Value, y: Value | undefined): boolean {
  return (
    x.dims !== undefined &&
    y?.dims?.length === x.dims.length &&
    x.dims.every((d, i) => d === y.dims?.[i])
  );
}

/** A whole slice with a step other than 1 reverses the axis. */
function reverses(graph: Graph, node: Node): boolean {
  const steps = node.inputs[4];
  if (!steps) return false;
  const constant = constantOf(graph, steps);
  return !constant || Array.from(constant.data as ArrayLike<bigint>, Number).some((s) => s !== 1);
}

/** Negative pads may cut what positive ones add: the shape alone does not tell. */
function noPads(graph: Graph, node: Node): boolean {
  const constant = constantOf(graph, node.inputs[1]);
  const pads =
    node.ints("pads") ?? (constant && Array.from(constant.data as ArrayLike<bigint>, Number));
  return pads?.every((p) => p === 0) ?? false;
}
