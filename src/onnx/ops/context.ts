import { EdgeDistillError } from "../../base/index.js";
import type { DType } from "../../tensor/index.js";
import type { Dim, Node, Value } from "../ir/index.js";
import { knownElements, rememberElements, type KnownElements } from "./known.js";

export type Dims = readonly Dim[];

/** What an op needs and what it got, as messages and `details` say it. */
interface Mismatch {
  expected?: string | number | undefined;
  actual?: string | number | undefined;
}

/** `[N, 3, 224, 224]` as messages print it; `[?]` when the rank is unknown. */
export function formatDims(dims: Dims | undefined): string {
  return dims ? `[${dims.join(", ")}]` : "[?]";
}

/** What an op's `infer` reads from and writes to: one node at one opset version. */
export class InferContext {
  constructor(
    readonly node: Node,
    readonly opset: number,
  ) {}

  /** Whether optional input `index` is given. */
  has(index: number): boolean {
    return Boolean(this.node.inputs[index]);
  }

  /** Input `index`. @throws ONNX_SHAPE_INFERENCE when it is missing */
  input(index: number): Value {
    const value = this.node.inputs[index];
    if (!value) this.fail(`input ${String(index)} is missing`);
    return value;
  }

  /** Dimensions of input `index`; undefined when its rank is unknown. */
  dims(index: number): Dims | undefined {
    return this.input(index).dims;
  }

  dtype(index: number): DType | undefined {
    return this.input(index).dtype;
  }

  /** What is known of the elements of input `index` (rank 0 or 1). */
  known(index: number): KnownElements | undefined {
    const value = this.node.inputs[index];
    return value ? knownElements(value) : undefined;
  }

  /** Elements of input `index` when all are known numbers. */
  numbers(index: number): readonly number[] | undefined {
    const known = this.known(index);
    return known?.every((e): e is number => typeof e === "number") ? known : undefined;
  }

  /** Sets dtype and dimensions of output `index`, if the node has it. Unknown facts keep what was declared. */
  set(index: number, dtype: DType | undefined, dims: Dims | undefined): void {
    const value = this.node.outputs[index];
    if (!value || value.name === "") return;
    value.dtype = dtype ?? value.dtype;
    if (!dims) return;
    const declared = value.dims;
    value.dims = dims.map((d, axis) => {
      const before = declared?.length === dims.length ? declared[axis] : undefined;
      return before !== undefined && d === this.fresh(axis, index) ? before : d;
    });
  }

  /** Records what is known of the elements of output 0. */
  setKnown(elements: KnownElements | undefined): void {
    const [value] = this.node.outputs;
    if (value) rememberElements(value, elements);
  }

  /** The symbol of a dimension about which nothing is known. */
  fresh(axis: number, output = 0): string {
    return `${this.node.outputs[output]?.name ?? ""}#${String(axis)}`;
  }

  /** A dimension computed from another: symbols give a fresh symbol. */
  map(dim: Dim | undefined, axis: number, f: (d: number) => number): Dim {
    if (typeof dim !== "number") return this.fresh(axis);
    const out = f(dim);
    if (!(out >= 0))
      this.fail(`dimension ${String(axis)} becomes ${String(out)}`, {
        expected: "at least 0",
        actual: out,
      });
    return out;
  }

  /** An axis in `[0, rank)`. */
  axis(axis: number, rank: number): number {
    const a = axis < 0 ? axis + rank : axis;
    if (a < 0 || a >= rank)
      this.fail(`axis ${String(axis)} is out of range for rank ${String(rank)}`, {
        expected: `[${String(-rank)}, ${String(rank - 1)}]`,
        actual: axis,
      });
    return a;
  }

  /** @throws ONNX_SHAPE_INFERENCE unless input `index` has this rank (or an unknown one) */
  rank(index: number, expected: number): Dims | undefined {
    const dims = this.dims(index);
    if (dims && dims.length !== expected)
      this.fail(`input "${this.input(index).name}" has rank ${String(dims.length)}`, {
        expected: `rank ${String(expected)}`,
        actual: formatDims(dims),
      });
    return dims;
  }

  /** @throws ONNX_SHAPE_INFERENCE when the known dtypes of the given inputs differ */
  sameDtype(...indices: readonly number[]): DType | undefined {
    let dtype: DType | undefined;
    for (const index of indices) {
      const d = this.has(index) ? this.dtype(index) : undefined;
      if (d === undefined) continue;
      if (dtype !== undefined && d !== dtype)
        this.fail(`inputs have element types ${dtype} and ${d}`, { expected: dtype, actual: d });
      dtype = d;
    }
    return dtype;
  }

  /** @throws ONNX_SHAPE_INFERENCE when both dimensions are known and differ */
  sameDim(a: Dim | undefined, b: Dim | undefined, what: string): void {
    if (typeof a === "number" && typeof b === "number" && a !== b)
      this.fail(`${what}: ${String(b)} where ${String(a)} is needed`, { expected: a, actual: b });
  }

  /** NumPy broadcasting of the given inputs; undefined when a rank is unknown. @throws ONNX_SHAPE_INFERENCE */
  broadcast(...indices: readonly number[]): Dims | undefined {
    const shapes: Dims[] = [];
    for (const index of indices) {
      const dims = this.dims(index);
      if (!dims) return undefined;
      shapes.push(dims);
    }
    return this.broadcastDims(shapes);
  }

  /** NumPy broadcasting of shapes. @throws ONNX_SHAPE_INFERENCE */
  broadcastDims(shapes: readonly Dims[]): Dims {
    const rank = Math.max(0, ...shapes.map((s) => s.length));
    return Array.from({ length: rank }, (_, axis) => {
      let out: Dim = 1;
      for (const shape of shapes) {
        const d = shape[axis - rank + shape.length] ?? 1;
        if (d === 1 || d === out) continue;
        if (out === 1) out = d;
        else if (typeof d === "number" && typeof out === "number")
          this.fail(`shapes ${shapes.map(formatDims).join(" and ")} do not broadcast`, {
            expected: formatDims(shapes[0]),
            actual: formatDims(shape),
          });
        else out = typeof d === "number" ? d : typeof out === "number" ? out : this.fresh(axis);
      }
      return out;
    });
  }

  /** @throws ONNX_SHAPE_INFERENCE naming node and op, with what was expected and what was found */
  fail(fact: string, { expected, actual }: Mismatch = {}): never {
    const { node } = this;
    const where = `node "${node.name}" (${node.domain ? `${node.domain}.` : ""}${node.op}, opset ${String(this.opset)})`;
    const inputs = node.inputs.map((v) => (v ? `${v.name} ${formatDims(v.dims)}` : "-")).join(", ");
    const against =
      expected === undefined ? "" : `; expected ${String(expected)}, got ${String(actual)}`;
    throw new EdgeDistillError(
      "ONNX_SHAPE_INFERENCE",
      `Shapes do not fit at ${where}: ${fact}${against}. Inputs: ${inputs}`,
      {
        hint: "Check the shapes of this node's inputs and its attributes.",
        details: {
          node: node.name,
          op: node.op,
          domain: node.domain,
          opset: this.opset,
          expected,
          actual,
          inputs: node.inputs.map((v) => v?.dims ?? null),
        },
      },
    );
  }
}
