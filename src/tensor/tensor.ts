import { EdgeDistillError } from "../base/index.js";
import { arrayConstructor, type DType, type NumericDType, type TypedArrayOf } from "./dtype.js";

/** A dense row-major tensor in host memory. `data.length` equals the product of `dims`. */
export interface HostTensor<D extends DType = DType> {
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: TypedArrayOf[D];
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  let n = 1;
  for (const d of dims) n *= d;
  return n;
}

/** @throws TENSOR_SHAPE when the data does not fill the shape */
export function tensor<D extends DType>(
  dtype: D,
  dims: readonly number[],
  data: TypedArrayOf[D],
): HostTensor<D> {
  if (data.length !== elementCount(dims))
    throw new EdgeDistillError(
      "TENSOR_SHAPE",
      `Tensor of shape [${dims.join(", ")}] needs ${String(elementCount(dims))} elements, got ${String(data.length)}`,
      { details: { dims, length: data.length } },
    );
  return { dtype, dims, data };
}

/** A zero-filled tensor. */
export function zeros<D extends NumericDType>(dtype: D, dims: readonly number[]): HostTensor<D> {
  const Ctor = arrayConstructor(dtype);
  return { dtype, dims, data: new Ctor(elementCount(dims)) as unknown as TypedArrayOf[D] };
}

/** float32 tensor from numbers. */
export function float32(dims: readonly number[], values: ArrayLike<number>): HostTensor<"float32"> {
  return tensor(
    "float32",
    dims,
    values instanceof Float32Array ? values : Float32Array.from(values),
  );
}

/** float32 scalar. */
export function scalar(value: number): HostTensor<"float32"> {
  return { dtype: "float32", dims: [], data: Float32Array.of(value) };
}

/** int64 vector, the type of ONNX shape, axes and index inputs. */
export function int64(
  values: readonly number[],
  dims: readonly number[] = [values.length],
): HostTensor<"int64"> {
  return tensor(
    "int64",
    dims,
    BigInt64Array.from(values, (v) => BigInt(v)),
  );
}
