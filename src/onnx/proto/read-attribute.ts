import type { Attribute, Graph } from "../ir/index.js";
import {
  AttributeProto_AttributeType as Type,
  type AttributeProto,
  type GraphProto,
} from "./generated/onnx_pb.js";
import { corrupt, unsupported, type Source } from "./source.js";
import { readTensor } from "./tensor.js";

/** AttributeProto → Attribute. @throws ONNX_CORRUPT, ONNX_UNSUPPORTED */
export function readAttribute(
  proto: AttributeProto,
  { source, where, graph }: { source: Source; where: string; graph: (proto: GraphProto) => Graph },
): Attribute {
  const what = `attribute "${proto.name}" of ${where}`;
  const whole = (v: bigint): number => {
    const n = Number(v);
    // INT64_MAX and its like stand for "to the end"; they come back clamped
    if (Number.isSafeInteger(n) || Math.abs(n) >= 2 ** 62) return n;
    throw unsupported(source, `the integer ${String(v)} in ${what}`, "Use integers below 2^53.");
  };
  const text = (s: Uint8Array): string => {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(s);
    } catch {
      throw unsupported(
        source,
        `binary content in ${what}`,
        "Export the model without compiled engine contexts.",
      );
    }
  };
  if (proto.refAttrName !== "")
    throw unsupported(
      source,
      `a reference to a function's attribute in ${what}`,
      "Inline the model's functions before loading it.",
    );
  switch (proto.type) {
    case Type.FLOAT:
      return { type: "float", value: proto.f };
    case Type.INT:
      return { type: "int", value: whole(proto.i) };
    case Type.STRING:
      return { type: "string", value: text(proto.s) };
    case Type.FLOATS:
      return { type: "floats", value: proto.floats };
    case Type.INTS:
      return { type: "ints", value: proto.ints.map(whole) };
    case Type.STRINGS:
      return { type: "strings", value: proto.strings.map(text) };
    case Type.TENSOR:
      if (!proto.t) throw corrupt(source, `${what} holds no tensor`);
      return { type: "tensor", value: readTensor(proto.t, source) };
    case Type.GRAPH:
      if (!proto.g) throw corrupt(source, `${what} holds no graph`);
      return { type: "graph", value: graph(proto.g) };
    case Type.UNDEFINED:
      throw corrupt(source, `${what} has no type`);
    default:
      throw unsupported(
        source,
        `an attribute of type ${Type[proto.type]}: ${what}`,
        "Export the model with plain attributes.",
      );
  }
}
