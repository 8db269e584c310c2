import { create } from "@bufbuild/protobuf";
import { EdgeDistillError } from "../../base/index.js";
import type { Attribute, Graph, Node, Value } from "../ir/index.js";
import { ELEMENT_TYPE } from "../ops/index.js";
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from "./generated/onnx_pb.js";
import { writeTensor } from "./tensor.js";

/** Graph → GraphProto, in the graph's own order: equal graphs give equal bytes. */
export function writeGraph(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(writeNode),
    initializer: [...graph.initializers.values()].flatMap((v) =>
      v.initializer ? [writeTensor(v.initializer, v.name)] : [],
    ),
    input: graph.inputs.map(writeValueInfo),
    output: graph.outputs.map(writeValueInfo),
  });
}

function writeNode(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.op,
    domain: node.domain,
    input: node.inputs.map((v) => v?.name ?? ""),
    output: node.outputs.map((v) => v.name),
    attribute: [...node.attributes].map(([name, attribute]) =>
      writeAttribute(name, attribute, node),
    ),
  });
}

function writeValueInfo({ name, dtype, dims }: Value): ValueInfoProto {
  if (dtype === undefined) return create(ValueInfoProtoSchema, { name });
  const shape = dims && {
    dim: dims.map((d) =>
      typeof d === "number"
        ? { value: { case: "dimValue" as const, value: BigInt(d) } }
        : { value: { case: "dimParam" as const, value: d } },
    ),
  };
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: { elemType: ELEMENT_TYPE[dtype], ...(shape ? { shape } : {}) },
      },
    },
  });
}

const INT64_MAX = 2n ** 63n - 1n;

function writeAttribute(name: string, attribute: Attribute, node: Node): AttributeProto {
  const whole = (n: number): bigint => {
    if (!Number.isInteger(n))
      throw new EdgeDistillError(
        "ONNX_INVALID_GRAPH",
        `Attribute "${name}" of node "${node.name}" (${node.op}) is ${String(n)}, not an integer`,
        {
          hint: "Write it with float(), or round it.",
          details: { node: node.name, attribute: name, value: n },
        },
      );
    const v = BigInt(n);
    return v > INT64_MAX ? INT64_MAX : v < -INT64_MAX ? -INT64_MAX - 1n : v;
  };
  const encoder = new TextEncoder();
  switch (attribute.type) {
    case "int":
      return create(AttributeProtoSchema, { name, type: Type.INT, i: whole(attribute.value) });
    case "ints":
      return create(AttributeProtoSchema, {
        name,
        type: Type.INTS,
        ints: attribute.value.map(whole),
      });
    case "float":
      return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: attribute.value });
    case "floats":
      return create(AttributeProtoSchema, {
        name,
        type: Type.FLOATS,
        floats: [...attribute.value],
      });
    case "string":
      return create(AttributeProtoSchema, {
        name,
        type: Type.STRING,
        s: encoder.encode(attribute.value),
      });
    case "strings":
      return create(AttributeProtoSchema, {
        name,
        type: Type.STRINGS,
        strings: attribute.value.map((s) => encoder.encode(s)),
      });
    case "tensor":
      return create(AttributeProtoSchema, {
        name,
        type: Type.TENSOR,
        t: writeTensor(attribute.value, ""),
      });
    case "graph":
      return create(AttributeProtoSchema, {
        name,
        type: Type.GRAPH,
        g: writeGraph(attribute.value),
      });
  }
}
