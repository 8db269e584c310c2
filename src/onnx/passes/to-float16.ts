import type { HostTensor } from "../../tensor/index.js";
import {
  allNodes,
  int,
  subgraphs,
  tensorAttribute,
  type Graph,
  type Model,
  type Node,
  type Value,
} from "../ir/index.js";
import { ELEMENT_TYPE, inferShapes, opSpec } from "../ops/index.js";
import { typedValues } from "./conditions.js";
import { foldConstants } from "./fold-constants.js";
import { halfWeights } from "./half-weights.kernel.js";
import { definePass } from "./pass.js";

export interface ToFloat16Options {
  /** Ops that keep computing in float32. */
  keepFloat32Ops: readonly string[];
  /** Names of nodes that keep computing in float32. */
  keepFloat32Nodes: readonly string[];
  /** Inputs and outputs of the model stay float32. Default true. */
  keepIo: boolean;
}

/** Ops that backends lack in float16, or that lose what they are for: coordinates, ranks, long sums, scales. */
export const DEFAULT_FLOAT32_OPS: readonly string[] = [
  "Resize",
  "Upsample",
  "NonMaxSuppression",
  "TopK",
  "RoiAlign",
  "Range",
  "CumSum",
  "GridSample",
  "QuantizeLinear",
  "DequantizeLinear",
  "DynamicQuantizeLinear",
];

/**
 * Converts a model's float32 arithmetic to float16, weights included, with Casts where the two meet.
 * Ops without a spec and nodes with subgraphs keep float32.
 * @throws ONNX_INVALID_GRAPH when an element type cannot be inferred
 */
const convert = definePass<ToFloat16Options>({
  name: "toFloat16",
  requires: [typedValues],
  ensures: [typedValues],
  run: (
    model: Model,
    { keepFloat32Ops = DEFAULT_FLOAT32_OPS, keepFloat32Nodes = [], keepIo = true },
  ) => {
    const ops = new Set(keepFloat32Ops);
    const names = new Set(keepFloat32Nodes);
    const shapes = shapeArithmetic(model.graph);
    const keeps = (node: Node): boolean =>
      shapes.has(node) ||
      ops.has(node.op) ||
      names.has(node.name) ||
      !opSpec(node.op, node.domain) ||
      subgraphs(node).length > 0;
    new Float16Conversion(model.graph, keeps, keepIo).run();
    model.graph.sortTopologically();
    inferShapes(model);
    model.graph.removeDeadNodes();
  },
});

/** See {@link ToFloat16Options}; constants are folded first so that they convert as weights. */
export function toFloat16(model: Model, options: Partial<ToFloat16Options> = {}): Model {
  const folded = foldConstants(model);
  inferShapes(folded);
  return convert(folded, {
    keepFloat32Ops: DEFAULT_FLOAT32_OPS,
    keepFloat32Nodes: [],
    keepIo: true,
    ...options,
  });
}

const ARITHMETIC = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Floor",
  "Ceil",
  "Round",
  "Concat",
  "Squeeze",
  "Unsqueeze",
  "Gather",
  "Slice",
  "Identity",
  "Min",
  "Max",
]);

/**
 * Float arithmetic on sizes, from a Cast of an integer scalar or vector onwards: float16 would count wrongly above 2048.
 */
function shapeArithmetic(graph: Graph): Set<Node> {
  const found = new Set<Node>();
  const fromShape = (v: Value | null): boolean => {
    const producer = v?.producer();
    return producer ? found.has(producer) : false;
  };
  for (const node of graph.nodes) {
    const rank = node.outputs[0]?.dims?.length;
    if (rank === undefined || rank > 1) continue;
    const [x] = node.inputs;
    if (
      node.op === "Cast"
        ? (x?.dtype?.includes("int") ?? false)
        : ARITHMETIC.has(node.op) &&
          node.inputs.some(fromShape) &&
          node.inputs.every((v) => !v || fromShape(v) || v.initializer)
    )
      found.add(node);
  }
  return found;
}

/** Inputs that are float32 by the op's definition. */
function fixedFloat32(node: Node, index: number): boolean {
  return (node.op === "Resize" && index === 2) || (node.op === "Upsample" && index === 1);
}

class Float16Conversion {
  readonly #graph: Graph;
  readonly #keeps: (node: Node) => boolean;
  readonly #keepIo: boolean;
  /** Values that were float32 before: the type they have now, and the other type once someone asked for it. */
  readonly #half = new Set<Value>();
  readonly #other = new Map<Value, Value>();

  constructor(graph: Graph, keeps: (node: Node) => boolean, keepIo: boolean) {
    this.#graph = graph;
    this.#keeps = keeps;
    this.#keepIo = keepIo;
  }

  run(): void {
    const graph = this.#graph;
    const outer = new Set(graph.nodes);
    const floats = new Set<Value>();
    const isFloat = (v: Value): boolean => v.dtype === "float32";
    for (const v of [...graph.inputs, ...graph.initializers.values()])
      if (isFloat(v)) floats.add(v);
    if (!this.#keepIo)
      for (const v of graph.inputs) if (isFloat(v) && !v.initializer) this.#turnHalf(v);
    for (const node of graph.nodes) {
      for (const v of node.outputs) if (isFloat(v)) floats.add(v);
      if (!this.#keeps(node)) for (const v of node.outputs) if (isFloat(v)) this.#turnHalf(v);
      if (!this.#keeps(node)) convertAttributes(node);
    }
    for (const node of [...allNodes(graph)]) {
      const half = outer.has(node) && !this.#keeps(node);
      node.inputs.forEach((v, i) => {
        if (!v || !floats.has(v) || (half && node.op === "Cast")) return;
        const wantHalf = half && !fixedFloat32(node, i);
        if (wantHalf !== this.#half.has(v)) node.setInput(i, this.#otherType(v));
      });
    }
    for (const v of [...graph.outputs])
      if (floats.has(v) && this.#half.has(v) === this.#keepIo) this.#castOutput(v);
  }

  #turnHalf(v: Value): void {
    v.dtype = "float16";
    this.#half.add(v);
  }

  /** The same value in the other float type: a converted weight, or a Cast behind the producer. */
  #otherType(v: Value): Value {
    let other = this.#other.get(v);
    if (!other) {
      other =
        v.initializer && !this.#graph.inputs.includes(v)
          ? this.#weight(v, v.initializer)
          : this.#cast(v, v.name);
      this.#other.set(v, other);
    }
    return other;
  }

  #weight(v: Value, content: HostTensor): Value {
    const data = halfWeights(content.data as Float32Array);
    return this.#graph.addInitializer(`${v.name}_fp16`, {
      dtype: "float16",
      dims: content.dims,
      data,
    });
  }

  #cast(v: Value, stem: string): Value {
    const to = this.#half.has(v) ? "float32" : "float16";
    const suffix = to === "float16" ? "fp16" : "fp32";
    const graph = this.#graph;
    const output = graph.newValue(`${stem}_${suffix}`, { dtype: to, dims: v.dims });
    const producer = v.producer();
    const [first] = graph.nodes;
    graph.addNode(
      {
        op: "Cast",
        name: graph.uniqueName(`${stem}_to_${suffix}`),
        inputs: [v],
        outputs: [output],
        attributes: { to: int(ELEMENT_TYPE[to]) },
      },
      producer ? { after: producer } : first ? { before: first } : {},
    );
    return output;
  }

  /** Keeps an output's name and gives it the other type. */
  #castOutput(v: Value): void {
    if (!v.producer()) return;
    const graph = this.#graph;
    const { name } = v;
    const cast = this.#other.get(v) ?? this.#cast(v, name);
    v.name = graph.uniqueName(`${name}_${this.#half.has(v) ? "fp16" : "fp32"}`);
    cast.name = name;
    graph.replaceOutput(v, cast);
  }
}

/** Element types and tensors that attributes name: Cast, random ops, ConstantOfShape. */
function convertAttributes(node: Node): void {
  for (const name of ["to", "dtype"])
    if (node.int(name, 0) === ELEMENT_TYPE.float32)
      node.attributes.set(name, int(ELEMENT_TYPE.float16));
  if (node.op.startsWith("Random") && !node.op.endsWith("Like") && !node.attributes.has("dtype"))
    node.attributes.set("dtype", int(ELEMENT_TYPE.float16));
  const value = node.attributes.get("value");
  if (node.op === "ConstantOfShape" && !value)
    node.attributes.set(
      "value",
      tensorAttribute({ dtype: "float16", dims: [1], data: new Uint16Array(1) }),
    );
  if (value?.type === "tensor" && value.value.dtype === "float32")
    node.attributes.set(
      "value",
      tensorAttribute({
        dtype: "float16",
        dims: value.value.dims,
        data: halfWeights(value.value.data as Float32Array),
      }),
    );
}
