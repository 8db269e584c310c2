export {
  arrayConstructor,
  bytesPerElement,
  type DType,
  type NumericDType,
  type TypedArrayOf,
} from "./dtype.js";
export { elementCount, float32, int64, scalar, tensor, zeros, type HostTensor } from "./tensor.js";
export { fromFloat16Array, fromFloat16Bits, toFloat16Array, toFloat16Bits } from "./float16.js";
