import { EdgeDistillError } from "../base/index.js";
import {
  ELEMENT_TYPE,
  int,
  ints,
  type Attributes,
  type GraphBuilder,
  type Value,
} from "../onnx/index.js";
import { arrayConstructor, type DType, type HostTensor } from "../tensor/index.js";

/** Known dimensions of a value. @throws ONNX_SHAPE_INFERENCE when one is symbolic: a gradient graph is built for fixed shapes */
export function dimsOf(value: Value): readonly number[] {
  const dims = value.staticDims();
  if (dims) return dims;
  throw new EdgeDistillError(
    "ONNX_SHAPE_INFERENCE",
    `The gradient of "${value.name}" needs its shape, which is [${value.dims?.join(", ") ?? "unknown"}]`,
    {
      hint: "Give the graph's inputs fixed dimensions before differentiating.",
      details: { value: value.name, dims: value.dims },
    },
  );
}

/** Content of a value that is fixed in the graph: an initializer or the output of a Constant node. */
export function constantOf(value: Value | null | undefined): HostTensor | undefined {
  if (!value) return undefined;
  if (value.initializer) return value.initializer;
  const node = value.producer();
  const content = node?.op === "Constant" ? node.attributes.get("value") : undefined;
  return content?.type === "tensor" ? content.value : undefined;
}

/** Integers of a constant vector (axes, shapes, pads). */
export function constantInts(value: Value | null | undefined): readonly number[] | undefined {
  const data = constantOf(value)?.data;
  return data && !(data instanceof Array)
    ? Array.from(data as ArrayLike<number | bigint>, Number)
    : undefined;
}

/** The ops that gradient rules are written in, by short names. Writes to a builder; constants take the element type at hand. */
export class Algebra {
  readonly b: GraphBuilder;
  readonly dtype: DType;

  constructor(b: GraphBuilder, dtype: DType | undefined) {
    this.b = b;
    this.dtype = dtype ?? "float32";
  }

  op(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): Value {
    return this.b.op(op, inputs, attributes, { name: `grad/${op}` });
  }

  /** A scalar constant. */
  num(value: number): Value {
    const Ctor = arrayConstructor(this.dtype as "float32");
    return this.b.constant({ dtype: this.dtype, dims: [], data: Ctor.of(value) });
  }

  add = (x: Value, y: Value): Value => this.op("Add", [x, y]);
  sub = (x: Value, y: Value): Value => this.op("Sub", [x, y]);
  mul = (x: Value, y: Value): Value => this.op("Mul", [x, y]);
  div = (x: Value, y: Value): Value => this.op("Div", [x, y]);
  neg = (x: Value): Value => this.op("Neg", [x]);
  scale = (x: Value, factor: number): Value => (factor === 1 ? x : this.mul(x, this.num(factor)));

  reshape(x: Value, dims: readonly number[]): Value {
    return x.staticDims()?.join() === dims.join() ? x : this.op("Reshape", [x, this.b.i64(dims)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((p, i) => p === i) ? x : this.op("Transpose", [x], { perm: ints(perm) });
  }

  expand(x: Value, dims: readonly number[]): Value {
    return x.staticDims()?.join() === dims.join() ? x : this.op("Expand", [x, this.b.i64(dims)]);
  }

  sum(x: Value, axes: readonly number[], { keep = true }: { keep?: boolean } = {}): Value {
    if (axes.length === 0) return x;
    const keepdims = int(keep ? 1 : 0);
    return this.b.opset < 13
      ? this.op("ReduceSum", [x], { axes: ints(axes), keepdims })
      : this.op("ReduceSum", [x, this.b.i64(axes)], { keepdims });
  }

  slice(
    x: Value,
    {
      axes,
      starts,
      ends,
      steps,
    }: {
      axes: readonly number[];
      starts: readonly number[];
      ends: readonly number[];
      steps?: readonly number[];
    },
  ): Value {
    const { b } = this;
    const inputs = [x, b.i64(starts), b.i64(ends), b.i64(axes)];
    return this.op("Slice", steps ? [...inputs, b.i64(steps)] : inputs);
  }

  /** Zero padding; `pads` in ONNX order, all begins then all ends; negative ones crop. */
  pad(x: Value, pads: readonly number[]): Value {
    return pads.every((p) => p === 0) ? x : this.op("Pad", [x, this.b.i64(pads), this.num(0)]);
  }

  /** 0/1 in the element type at hand, from a condition. */
  mask(condition: Value): Value {
    return this.cast(condition, this.dtype);
  }

  cast(x: Value, dtype: DType): Value {
    return this.op("Cast", [x], { to: int(ELEMENT_TYPE[dtype]) });
  }
}
