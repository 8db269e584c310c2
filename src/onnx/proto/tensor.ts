import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  arrayConstructor,
  bytesPerElement,
  type HostTensor,
  type NumericDType,
  type TypedArrayOf,
} from "../../tensor/index.js";
import { ELEMENT_TYPE, elementType } from "../ops/index.js";
import {
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TensorProto,
} from "./generated/onnx_pb.js";
import { readExternalData } from "./external-data.js";
import { corrupt, unsupported, type Source } from "./source.js";

/**
 * Reads a serialized TensorProto, as ONNX's test data has them (`input_0.pb`).
 * @param name what errors call the bytes
 * @returns the tensor; its data is a view of `bytes` where alignment allows
 * @throws ONNX_CORRUPT, ONNX_UNSUPPORTED
 */
export function parseTensor(
  bytes: Uint8Array,
  { name = "tensor", externalDataDir }: { name?: string; externalDataDir?: string } = {},
): HostTensor {
  const source: Source = {
    name,
    external: (entries, what) => readExternalData(name, externalDataDir, entries, what),
  };
  let proto: TensorProto;
  try {
    proto = fromBinary(TensorProtoSchema, plainBytes(bytes));
  } catch (error) {
    throw corrupt(source, "it does not decode as a TensorProto", error);
  }
  return readTensor(proto, source);
}

/** Bytes of a TensorProto, with its content as raw data. */
export function serializeTensor(
  tensor: HostTensor,
  { name = "" }: { name?: string } = {},
): Uint8Array {
  return toBinary(TensorProtoSchema, writeTensor(tensor, name));
}

/** The same memory as a plain Uint8Array: a Buffer's slices would be Buffers. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** TensorProto → HostTensor, whichever field holds the content. @throws ONNX_CORRUPT, ONNX_UNSUPPORTED */
export function readTensor(proto: TensorProto, source: Source): HostTensor {
  const what = proto.name || "(unnamed)";
  const dtype = elementType(proto.dataType);
  if (dtype === undefined)
    throw unsupported(
      source,
      `element type ${String(proto.dataType)} in tensor "${what}"`,
      "Convert the tensor to a type of 8 bits or more that is not float8 or complex.",
    );
  if (proto.segment)
    throw unsupported(
      source,
      `a segmented tensor "${what}"`,
      "Export the model with whole tensors.",
    );
  const dims = proto.dims.map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  if (dims.some((d) => d < 0) || !Number.isSafeInteger(count))
    throw corrupt(source, `tensor "${what}" has the shape [${dims.join(", ")}]`);
  const expectCount = (found: number): void => {
    if (found !== count)
      throw corrupt(
        source,
        `tensor "${what}" of shape [${dims.join(", ")}] needs ${String(count)} elements and has ${String(found)}`,
      );
  };
  if (dtype === "string") {
    expectCount(proto.stringData.length);
    const decoder = new TextDecoder();
    return { dtype, dims, data: proto.stringData.map((s) => decoder.decode(s)) };
  }
  if (proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) {
    const typed = typedField(proto, dtype);
    if (typed) {
      expectCount(typed.length);
      return { dtype, dims, data: typed };
    }
  }
  const bytes =
    proto.dataLocation === TensorProto_DataLocation.EXTERNAL
      ? source.external(new Map(proto.externalData.map((e) => [e.key, e.value])), what)
      : proto.rawData;
  expectCount(bytes.byteLength / bytesPerElement(dtype));
  return { dtype, dims, data: viewOrCopy(bytes, dtype) };
}

/** A typed view of the bytes; a copy only where they are misaligned. */
function viewOrCopy(bytes: Uint8Array, dtype: NumericDType): TypedArrayOf[NumericDType] {
  const Ctor = arrayConstructor(dtype) as new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => TypedArrayOf[NumericDType];
  const aligned = bytes.byteOffset % bytesPerElement(dtype) === 0 ? bytes : bytes.slice();
  return new Ctor(aligned.buffer, aligned.byteOffset, aligned.byteLength / bytesPerElement(dtype));
}

/** Content of the field for this element type; undefined when that field is empty. */
function typedField(
  proto: TensorProto,
  dtype: NumericDType,
): TypedArrayOf[NumericDType] | undefined {
  switch (dtype) {
    case "float32":
      return proto.floatData.length > 0 ? Float32Array.from(proto.floatData) : undefined;
    case "float64":
      return proto.doubleData.length > 0 ? Float64Array.from(proto.doubleData) : undefined;
    case "int64":
      return proto.int64Data.length > 0 ? BigInt64Array.from(proto.int64Data) : undefined;
    case "uint64":
      return proto.uint64Data.length > 0 ? BigUint64Array.from(proto.uint64Data) : undefined;
    case "uint32":
      return proto.uint64Data.length > 0 ? Uint32Array.from(proto.uint64Data, Number) : undefined;
    default:
      return proto.int32Data.length > 0 ? arrayConstructor(dtype).from(proto.int32Data) : undefined;
  }
}

/** HostTensor → TensorProto; numbers as raw data over the same memory. */
export function writeTensor({ dtype, dims, data }: HostTensor, name: string): TensorProto {
  const proto = create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: ELEMENT_TYPE[dtype],
  });
  if (Array.isArray(data)) {
    const encoder = new TextEncoder();
    proto.stringData = data.map((s) => encoder.encode(s));
  } else {
    proto.rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return proto;
}
