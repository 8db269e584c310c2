import type { Graph, Node, Value } from "../../ir/index.js";
import { constantOf } from "../constant.js";
import type { BlockedWindow, Shape4 } from "./layout.js";

/** Same result on the memory in any order, element by element. */
export const ELEMENTWISE = new Set([
  "Abs",
  "Add",
  "Clip",
  "Div",
  "Erf",
  "Exp",
  "HardSigmoid",
  "HardSwish",
  "Identity",
  "LeakyRelu",
  "Log",
  "Max",
  "Min",
  "Mul",
  "Neg",
  "Pow",
  "Relu",
  "Sigmoid",
  "Softplus",
  "Sqrt",
  "Sub",
  "Sum",
  "Tanh",
]);

/** The same, to or from truth values. */
export const CONDITIONS = new Set([
  "And",
  "Cast",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "Not",
  "Or",
]);

/** Dims of a float32 map. */
export const shapeOf = (x: Value | null | undefined): Shape4 | undefined => {
  const dims = x?.dtype === "float32" ? x.staticDims() : undefined;
  return dims?.length === 4 ? (dims as unknown as Shape4) : undefined;
};

/** One number for all elements, or an input left out. */
export const isScalar = (x: Value | null): boolean =>
  x === null || (x.staticDims() ?? [2]).every((d) => d === 1);

/** Window of a convolution whose filter has dims `w`; `auto_pad` is not looked at. */
export function windowOf(node: Node, w: readonly number[]): Required<BlockedWindow> {
  const pair = (name: string): readonly [number, number] => {
    const [a = 1, b = 1] = node.ints(name) ?? [1, 1];
    return [a, b];
  };
  const [top = 0, left = 0, bottom = 0, right = 0] = node.ints("pads") ?? [0, 0, 0, 0];
  return {
    kernel: [w[2] ?? 1, w[3] ?? 1],
    strides: pair("strides"),
    dilations: pair("dilations"),
    pads: [top, left, bottom, right],
  };
}

/** Axes of a reduction, where they are constant. */
export function axesOf(graph: Graph, node: Node): readonly number[] | undefined {
  const listed = node.ints("axes");
  if (listed) return listed;
  const data = constantOf(graph, node.inputs[1])?.data;
  return data && !Array.isArray(data) ? Array.from(data as ArrayLike<bigint>, Number) : undefined;
}
