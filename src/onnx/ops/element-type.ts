import type { DType } from "../../tensor/index.js";
import type { InferContext } from "./context.js";

/** ONNX's numbers for element types (`TensorProto.DataType`). */
export const ELEMENT_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const satisfies Record<DType, number>;

const BY_NUMBER = new Map<number, DType>(
  Object.entries(ELEMENT_TYPE).map(([dtype, n]) => [n, dtype as DType]),
);

/** The element type with this ONNX number; undefined for those the house does not hold (float8, int4, complex). */
export function elementType(number: number): DType | undefined {
  return BY_NUMBER.get(number);
}

/** Element type that a Cast-like attribute asks for. */
export function castTarget(ctx: InferContext, attribute: string): DType {
  const number = ctx.node.int(attribute, 0);
  return (
    elementType(number) ??
    ctx.fail(`attribute ${attribute} asks for element type ${String(number)}`, {
      expected: "a type number of 1-13 or 16",
      actual: number,
    })
  );
}
