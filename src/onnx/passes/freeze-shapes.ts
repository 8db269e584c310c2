import { EdgeDistillError } from "../../base/index.js";
import { allNodes, type Dim, type Model, type Value } from "../ir/index.js";
import { inferShapes } from "../ops/index.js";
import { definePass } from "./pass.js";

export interface FreezeShapesOptions {
  /** Number for the first axis of every input where that is open. */
  batch?: number;
  /** Number for a dimension by its name. */
  symbols?: Readonly<Record<string, number>>;
  /** Whole shapes by input name. */
  inputs?: Readonly<Record<string, readonly number[]>>;
}

/**
 * Fixes the open dimensions of a model's inputs, and what follows from them. A name stands for the same number everywhere.
 * @throws ONNX_SHAPE_INFERENCE when numbers contradict each other or the model, ONNX_INVALID_GRAPH when a named input
 *   does not exist
 */
export const freezeShapes = definePass<FreezeShapesOptions>({
  name: "freezeShapes",
  run: (model: Model, { batch, symbols = {}, inputs = {} }) => {
    const { graph } = model;
    const numbers = new Map<string, number>(Object.entries(symbols));
    const bind = (value: Value, axis: number, dim: Dim | undefined, n: number): void => {
      const known = typeof dim === "number" ? dim : dim === undefined ? n : (numbers.get(dim) ?? n);
      if (known !== n)
        throw new EdgeDistillError(
          "ONNX_SHAPE_INFERENCE",
          `Input "${value.name}" has ${String(known)} on axis ${String(axis)}, not ${String(n)}`,
          {
            hint: "Pass the shape the model was made for.",
            details: { input: value.name, axis, expected: known, actual: n },
          },
        );
      if (typeof dim === "string") numbers.set(dim, n);
    };
    for (const [name, dims] of Object.entries(inputs)) {
      const value = graph.inputs.find((v) => v.name === name);
      if (!value || (value.dims && value.dims.length !== dims.length))
        throw new EdgeDistillError(
          "ONNX_INVALID_GRAPH",
          `The model has no input "${name}" of rank ${String(dims.length)}`,
          {
            hint: `Its inputs are ${graph.inputs.map((v) => `"${v.name}" [${String(v.dims)}]`).join(", ")}.`,
            details: { input: name, dims },
          },
        );
      dims.forEach((n, axis) => {
        bind(value, axis, value.dims?.[axis], n);
      });
      value.dims = dims;
    }
    if (batch !== undefined)
      for (const value of graph.inputs) {
        const [first] = value.dims ?? [];
        if (typeof first === "string" && !numbers.has(first)) bind(value, 0, first, batch);
      }
    const freeze = (value: Value): void => {
      value.dims = value.dims?.map((d) => (typeof d === "string" ? (numbers.get(d) ?? d) : d));
    };
    graph.inputs.forEach(freeze);
    for (const node of allNodes(graph)) node.outputs.forEach(freeze);
    inferShapes(model);
  },
});
