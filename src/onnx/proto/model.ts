import { dirname } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EdgeDistillError, readFileBytes, writeFileAtomic } from "../../base/index.js";
import { allNodes, type Model } from "../ir/index.js";
import { readExternalData } from "./external-data.js";
import { ModelProtoSchema, type ModelProto } from "./generated/onnx_pb.js";
import { readGraph } from "./read-graph.js";
import { corrupt, unsupported, type Source } from "./source.js";
import { plainBytes } from "./tensor.js";
import { writeGraph } from "./write-graph.js";

export interface ParseOptions {
  /** What errors call the bytes; a file name. */
  name?: string;
  /** Folder of the model's external data files. Without it, external data is refused. */
  externalDataDir?: string;
}

/**
 * Reads a serialized ModelProto. Weights stay views of `bytes` where alignment allows; do not change the bytes afterwards.
 * @throws ONNX_CORRUPT, ONNX_UNSUPPORTED, ONNX_INVALID_GRAPH, ONNX_EXTERNAL_DATA
 */
export function parseModel(
  bytes: Uint8Array,
  { name = "model.onnx", externalDataDir }: ParseOptions = {},
): Model {
  const source: Source = {
    name,
    external: (entries, what) => readExternalData(name, externalDataDir, entries, what),
  };
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, plainBytes(bytes));
  } catch (error) {
    throw corrupt(source, `its ${String(bytes.byteLength)} bytes do not decode to the end`, error);
  }
  if (!proto.graph || proto.graph.node.length + proto.graph.output.length === 0)
    throw corrupt(source, "it holds no graph");
  if (proto.opsetImport.length === 0) throw corrupt(source, "it names no opset version");
  if (proto.functions.length > 0)
    throw unsupported(
      source,
      `${String(proto.functions.length)} model-local functions`,
      "Inline them with onnx.inliner before loading the model.",
    );
  const irVersion = Number(proto.irVersion);
  return {
    graph: readGraph(proto.graph, { source, irVersion }),
    irVersion,
    opsets: new Map(
      proto.opsetImport.map(({ domain, version }) => [
        domain === "ai.onnx" ? "" : domain,
        Number(version),
      ]),
    ),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
  };
}

/** Protobuf's limit for one message. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Bytes of a model; the same model gives the same bytes. Domains in use without an opset version get version 1.
 * @throws ONNX_UNSUPPORTED when the weights pass protobuf's 2 GiB, ONNX_INVALID_GRAPH
 */
export function serializeModel(model: Model): Uint8Array {
  let bytes = 0;
  for (const { initializer } of model.graph.initializers.values())
    if (initializer && !Array.isArray(initializer.data)) bytes += initializer.data.byteLength;
  if (bytes > MAX_BYTES)
    throw new EdgeDistillError(
      "ONNX_UNSUPPORTED",
      `The weights of the model take ${String(bytes)} bytes; one ONNX file holds less than 2 GiB`,
      {
        hint: "Convert the weights to float16 first.",
        details: { bytes },
      },
    );
  const opsets = new Map(model.opsets);
  for (const { domain } of allNodes(model.graph)) if (!opsets.has(domain)) opsets.set(domain, 1);
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      // version 4 is the first that need not list initializers among the inputs
      irVersion: BigInt(Math.max(4, model.irVersion)),
      producerName: model.producerName ?? "",
      producerVersion: model.producerVersion ?? "",
      graph: writeGraph(model.graph),
      opsetImport: [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
      metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    }),
  );
}

/** Reads an ONNX file and the data files beside it. @throws IO_NOT_FOUND, and what {@link parseModel} throws */
export async function loadModel(path: string): Promise<Model> {
  return parseModel(await readFileBytes(path), {
    name: path,
    externalDataDir: dirname(path),
  });
}

/** Writes an ONNX file; its name only ever holds the whole model. @throws IO_DISK_FULL, IO_FAILED, ONNX_UNSUPPORTED */
export async function saveModel(model: Model, path: string): Promise<void> {
  await writeFileAtomic(path, serializeModel(model));
}
