import type { Node, Value } from "../onnx/index.js";
import type { DType } from "../tensor/index.js";

/** What a QuantizeLinear or DequantizeLinear says: its grid, as far as it is constant. */
export interface QdqView {
  readonly node: Node;
  readonly dtype: DType | undefined;
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  /** Axis of the scales when there are several. */
  readonly axis: number;
}

function numbers(value: Value | null | undefined): readonly number[] {
  const data = value?.initializer?.data;
  return data && !Array.isArray(data) ? Array.from(data as ArrayLike<number | bigint>, Number) : [];
}

function view(node: Node, integers: Value | null | undefined): QdqView {
  return {
    node,
    dtype: integers?.dtype ?? node.inputs[2]?.dtype,
    scale: numbers(node.inputs[1]),
    zeroPoint: numbers(node.inputs[2]),
    axis: node.int("axis", 1),
  };
}

/** The DequantizeLinear that computes a value, if one does. */
export function dequantizer(value: Value | null | undefined): QdqView | undefined {
  const node = value?.producer();
  return node?.op === "DequantizeLinear" ? view(node, node.inputs[0]) : undefined;
}

/** The QuantizeLinear nodes that read a value. */
export function quantizers(value: Value): readonly QdqView[] {
  return value
    .uses()
    .filter((u) => u.node.op === "QuantizeLinear" && u.index === 0)
    .map((u) => view(u.node, u.node.outputs[0]));
}

/** Whether two pairs map reals to the same integers. */
export function sameGrid(a: QdqView, b: QdqView): boolean {
  return (
    a.dtype === b.dtype &&
    a.scale.length === b.scale.length &&
    a.scale.every((s, i) => s === b.scale[i]) &&
    (a.zeroPoint[0] ?? 0) === (b.zeroPoint[0] ?? 0)
  );
}
