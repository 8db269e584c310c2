/** Element types, by ONNX's names. `float16` and `bfloat16` are held as raw 16-bit patterns. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string";

export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
}

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type NumericDType = Exclude<DType, "string">;

/** Typed-array constructor of an element type. */
export function arrayConstructor<D extends NumericDType>(dtype: D): (typeof CONSTRUCTORS)[D] {
  return CONSTRUCTORS[dtype];
}

/** Bytes per element; 0 for strings. */
export function bytesPerElement(dtype: DType): number {
  return dtype === "string" ? 0 : CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}
