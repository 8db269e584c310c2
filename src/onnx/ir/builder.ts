import { EdgeDistillError } from "../../base/index.js";
import { float32, int64, type DType, type HostTensor } from "../../tensor/index.js";
import type { Attributes } from "./attribute.js";
import { Graph, type Model } from "./graph.js";
import type { Node } from "./node.js";
import { Value, type Dim } from "./value.js";

/** Sets dtype and dims on a node's outputs from its inputs; see `ops/`. */
export type InferNode = (node: Node, opset: number) => void;

export interface OpOptions {
  domain?: string;
  name?: string;
  /** Number of outputs, or their names. Default 1. */
  outputs?: number | readonly string[];
}

/**
 * Writes a graph node by node, in execution order, inferring shapes as it goes.
 * Equal small constants are shared.
 */
export class GraphBuilder {
  readonly graph: Graph;
  readonly opset: number;
  readonly #infer: InferNode;
  readonly #constants = new Map<string, Value>();

  constructor({
    graph = new Graph(),
    opset = 17,
    infer,
  }: {
    graph?: Graph;
    opset?: number;
    infer: InferNode;
  }) {
    this.graph = graph;
    this.opset = opset;
    this.#infer = infer;
  }

  input(name: string, dtype: DType, dims: readonly Dim[]): Value {
    return this.graph.addInput(new Value(this.graph.uniqueName(name), { dtype, dims }));
  }

  /** A named initializer, never shared. */
  initializer(name: string, data: HostTensor): Value {
    return this.graph.addInitializer(name, data);
  }

  /** A float32 constant; scalars and short vectors are shared when equal. */
  f32(values: number | readonly number[], dims?: readonly number[]): Value {
    const list = typeof values === "number" ? [values] : values;
    const shape = dims ?? (typeof values === "number" ? [] : [list.length]);
    return this.constant(float32(shape, list));
  }

  /** An int64 vector constant (shapes, axes, indices). */
  i64(values: readonly number[]): Value {
    return this.constant(int64(values));
  }

  constant(data: HostTensor): Value {
    if (data.dtype === "string" || data.data.length > 64)
      return this.graph.addInitializer("const", data);
    const key = `${data.dtype}[${data.dims.join(",")}]${Array.from(data.data as ArrayLike<number | bigint>, String).join(",")}`;
    let value = this.#constants.get(key);
    if (!value) {
      value = this.graph.addInitializer("const", data);
      this.#constants.set(key, value);
    }
    return value;
  }

  /** Appends a node and returns its first output. */
  op(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    options: OpOptions = {},
  ): Value {
    const [first] = this.multi(op, inputs, attributes, options);
    if (!first)
      throw new EdgeDistillError("ONNX_INVALID_GRAPH", `Op ${op} was asked for no output`);
    return first;
  }

  /** Appends a node and returns all its outputs. */
  multi(
    op: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    { domain = "", name, outputs = 1 }: OpOptions = {},
  ): readonly Value[] {
    const stem = name ?? op;
    const names =
      typeof outputs === "number" ? Array.from({ length: outputs }, () => `${stem}_out`) : outputs;
    const values = names.map((n) => new Value(this.graph.uniqueName(n)));
    const node = this.graph.addNode({
      op,
      domain,
      name: this.graph.uniqueName(stem),
      inputs,
      outputs: values,
      attributes,
    });
    this.#infer(node, this.opset);
    return values;
  }

  /**
   * Declares an output. Under `name`, if given: a node's result that has no other claim to its name is renamed, anything
   * else goes through an Identity.
   */
  output(value: Value, name?: string): Value {
    let out = value;
    if (name !== undefined && value.name !== name) {
      const renameable = value.producer() !== null && !this.graph.outputs.includes(value);
      if (renameable && this.graph.isFree(name)) {
        this.graph.reserveName(name);
        value.name = name;
      } else out = this.op("Identity", [value], {}, { outputs: [name] });
    }
    return this.graph.addOutput(out);
  }

  model(metadata: Readonly<Record<string, string>> = {}): Model {
    return {
      graph: this.graph,
      irVersion: 8,
      opsets: new Map([["", this.opset]]),
      producerName: "edge-distill",
      metadata: new Map(Object.entries(metadata)),
    };
  }
}
