import type { DType } from "../../tensor/index.js";
import { Graph, Value, type Attribute, type Dim } from "../ir/index.js";
import { elementType } from "../ops/index.js";
import type { GraphProto, NodeProto, ValueInfoProto } from "./generated/onnx_pb.js";
import { readAttribute } from "./read-attribute.js";
import { invalid, unsupported, type Source } from "./source.js";
import { readTensor } from "./tensor.js";

/** Names visible in a graph; subgraphs also see those of the graphs around them. */
interface Scope {
  values: Map<string, Value>;
  outer: Scope | undefined;
}

export interface ReadOptions {
  source: Source;
  /** Before version 4 every initializer had to be listed as an input too; those listings are dropped. */
  irVersion: number;
  outer?: Scope | undefined;
}

/** GraphProto → Graph; nodes come out in execution order. @throws ONNX_INVALID_GRAPH, ONNX_CORRUPT, ONNX_UNSUPPORTED */
export function readGraph(proto: GraphProto, { source, irVersion, outer }: ReadOptions): Graph {
  const graph = new Graph(proto.name || "graph");
  const scope: Scope = { values: new Map(), outer };
  const declare = (value: Value): Value => {
    if (scope.values.has(value.name))
      throw invalid(source, `the name "${value.name}" is given to two values`, {
        value: value.name,
      });
    scope.values.set(value.name, value);
    return value;
  };
  if (proto.sparseInitializer.length > 0)
    throw unsupported(source, "sparse initializers", "Export the model with dense weights.");
  for (const tensor of proto.initializer) {
    if (scope.values.has(tensor.name))
      throw invalid(source, `two initializers are called "${tensor.name}"`, { value: tensor.name });
    declare(graph.addInitializer(tensor.name, readTensor(tensor, source)));
  }
  for (const info of proto.input) {
    const constant = scope.values.get(info.name);
    if (constant?.initializer) {
      if (irVersion >= 4) graph.addInput(constant);
      continue;
    }
    const value = declare(new Value(info.name));
    readType(info, value, source);
    graph.addInput(value);
  }
  const outputs = proto.node.map((node) =>
    node.output.map((name) => (name === "" ? new Value("") : declare(new Value(name)))),
  );
  for (const info of [...proto.valueInfo, ...proto.output]) {
    const value = scope.values.get(info.name);
    if (value && !value.initializer) readType(info, value, source);
  }
  const names = new NodeNames(graph, proto.node);
  proto.node.forEach((node, i) => {
    const name = names.of(node);
    graph.addNode({
      op: node.opType,
      domain: node.domain === "ai.onnx" ? "" : node.domain,
      name,
      inputs: node.input.map((input) =>
        input === "" ? null : lookUp(input, scope, node, name, source),
      ),
      outputs: outputs[i] ?? [],
      attributes: readAttributes(node, name, { source, irVersion, outer: scope }),
    });
  });
  for (const { name } of proto.output) {
    const value = scope.values.get(name);
    if (!value)
      throw invalid(source, `the graph's output "${name}" is computed by no node`, { value: name });
    graph.addOutput(value);
  }
  graph.sortTopologically();
  return graph;
}

function lookUp(
  name: string,
  scope: Scope,
  node: NodeProto,
  nodeName: string,
  source: Source,
): Value {
  for (let s: Scope | undefined = scope; s; s = s.outer) {
    const value = s.values.get(name);
    if (value) return value;
  }
  throw invalid(
    source,
    `node "${nodeName}" (${node.opType}) reads "${name}", which nothing provides`,
    { node: nodeName, op: node.opType, value: name },
  );
}

function readAttributes(
  node: NodeProto,
  name: string,
  options: ReadOptions,
): Record<string, Attribute> {
  const { source } = options;
  const out: Record<string, Attribute> = {};
  for (const attribute of node.attribute)
    out[attribute.name] = readAttribute(attribute, {
      source,
      where: `node "${name}" (${node.opType})`,
      graph: (proto) => readGraph(proto, options),
    });
  return out;
}

/** Gives every node a name of its own: files leave it out or repeat it. */
class NodeNames {
  readonly #graph: Graph;
  readonly #used = new Set<string>();

  constructor(graph: Graph, nodes: readonly NodeProto[]) {
    this.#graph = graph;
    for (const { output } of nodes) for (const name of output) graph.reserveName(name);
    for (const { name } of nodes) if (name !== "") graph.reserveName(name);
  }

  of({ name, opType }: NodeProto): string {
    const own =
      name !== "" && !this.#used.has(name) ? name : this.#graph.uniqueName(name || opType);
    this.#used.add(own);
    return own;
  }
}

/** Sets dtype and dims from a ValueInfoProto. */
function readType(info: ValueInfoProto, value: Value, source: Source): void {
  const type = info.type?.value;
  if (type?.case === undefined) return;
  if (type.case !== "tensorType")
    throw unsupported(
      source,
      `the value "${info.name}", which is no tensor (${type.case})`,
      "Export the model with tensors only.",
    );
  const { elemType, shape } = type.value;
  const dtype: DType | undefined = elementType(elemType);
  if (dtype === undefined && elemType !== 0)
    throw unsupported(
      source,
      `element type ${String(elemType)} for "${info.name}"`,
      "Export the model with float or integer tensors of 8 bits or more.",
    );
  value.dtype = dtype ?? value.dtype;
  if (!shape) return;
  value.dims = shape.dim.map(({ value: d }, axis): Dim => {
    const unknown = `${info.name}#${String(axis)}`;
    if (d.case === "dimValue") return d.value < 0n ? unknown : Number(d.value);
    return d.case === "dimParam" && d.value !== "" ? d.value : unknown;
  });
}
