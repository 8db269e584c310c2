import { elementCount, type HostTensor, type NumericDType } from "../../tensor/index.js";
import type { Node } from "../ir/index.js";
import { elementType } from "../ops/index.js";
import {
  broadcastSteps,
  concatenate,
  fromDoubles,
  gatherAxis,
  gatherStrided,
  stridesOf,
  toDoubles,
} from "./evaluate.kernel.js";

type Numeric = HostTensor<NumericDType>;
/** Content of each input; null where the node omits one. */
type Inputs = readonly (HostTensor | null)[];

/**
 * Computes the first output of a node with known inputs, for the ops that shape arithmetic and weight preparation need.
 * The node's output shape must have been inferred. Undefined = not an op, type or size for here; never a wrong result.
 */
export function evaluateNode(node: Node, inputs: Inputs): HostTensor | undefined {
  const dims = node.outputs[0]?.staticDims();
  if (node.domain !== "" || !dims) return undefined;
  const x = inputs[0];
  if (!x || !isNumeric(x)) return undefined;
  switch (node.op) {
    case "Identity":
      return x;
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
      return elementCount(dims) === x.data.length ? { ...x, dims } : undefined;
    case "Transpose":
      return transpose(node, x, dims);
    case "Expand":
      return gatherStrided(x, dims, broadcastSteps(x.dims, dims));
    case "Slice":
      return slice(node, x, inputs, dims);
    case "Concat": {
      const parts = inputs.filter((t): t is Numeric => t !== null && isNumeric(t));
      if (parts.length !== inputs.length) return undefined;
      return concatenate(parts, wrap(node.int("axis", 0), dims.length));
    }
    case "Gather": {
      const indices = inputs[1] ? toDoubles(inputs[1]) : undefined;
      return (
        indices &&
        gatherAxis(
          x,
          Array.from(indices),
          inputs[1]?.dims ?? [],
          wrap(node.int("axis", 0), x.dims.length),
        )
      );
    }
    case "Cast":
      return cast(node, x, dims);
    default:
      return elementwise(node, inputs, dims);
  }
}

function isNumeric(t: HostTensor): t is Numeric {
  return t.dtype !== "string";
}

function wrap(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function transpose(node: Node, x: Numeric, dims: readonly number[]): HostTensor {
  const strides = stridesOf(x.dims);
  const perm = node.ints("perm") ?? [...x.dims.keys()].reverse();
  return gatherStrided(
    x,
    dims,
    perm.map((p) => strides[p] ?? 0),
  );
}

function slice(
  node: Node,
  x: Numeric,
  inputs: Inputs,
  dims: readonly number[],
): HostTensor | undefined {
  const list = (index: number, name: string): readonly number[] | undefined => {
    const given = inputs[index];
    return node.ints(name) ?? (given ? Array.from(toDoubles(given) ?? []) : undefined);
  };
  const starts = list(1, "starts");
  const axes = list(3, "axes") ?? starts?.map((_, i) => i);
  const steps = list(4, "steps") ?? starts?.map(() => 1);
  if (!starts || !axes || !steps || axes.length !== starts.length || steps.length !== starts.length)
    return undefined;
  const strides = stridesOf(x.dims);
  const moves = [...strides];
  let base = 0;
  for (const [i, start] of starts.entries()) {
    const axis = wrap(axes[i] ?? 0, x.dims.length);
    const n = x.dims[axis] ?? 0;
    const step = steps[i] ?? 1;
    const first = Math.min(Math.max(start < 0 ? start + n : start, 0), step > 0 ? n : n - 1);
    base += first * (strides[axis] ?? 0);
    moves[axis] = step * (strides[axis] ?? 0);
  }
  return gatherStrided(x, dims, moves, base);
}

function cast(node: Node, x: Numeric, dims: readonly number[]): HostTensor | undefined {
  const to = elementType(node.int("to", 0));
  if (to === undefined) return undefined;
  if (to === x.dtype) return { ...x, dims };
  const values = toDoubles(x);
  if (!values) return undefined;
  const integer = !to.includes("float");
  const converted =
    to === "bool" ? values.map((v) => Number(v !== 0)) : integer ? values.map(Math.trunc) : values;
  return fromDoubles(to, dims, converted);
}

type Elementwise = (a: number, b: number, c: number) => number;

/** Functions of one, two or three operands; doubles round to float32 exactly as the float32 operation does. */
const ELEMENTWISE: Readonly<
  Record<string, { arity: 1 | 2 | 3; f: Elementwise; integerF?: Elementwise }>
> = {
  Neg: { arity: 1, f: (a) => -a },
  Abs: { arity: 1, f: Math.abs },
  Sqrt: { arity: 1, f: Math.sqrt },
  Reciprocal: { arity: 1, f: (a) => 1 / a },
  Floor: { arity: 1, f: Math.floor },
  Ceil: { arity: 1, f: Math.ceil },
  Not: { arity: 1, f: (a) => Number(a === 0) },
  Add: { arity: 2, f: (a, b) => a + b },
  Sub: { arity: 2, f: (a, b) => a - b },
  Mul: { arity: 2, f: (a, b) => a * b },
  Div: { arity: 2, f: (a, b) => a / b, integerF: (a, b) => Math.trunc(a / b) },
  Equal: { arity: 2, f: (a, b) => Number(a === b) },
  Less: { arity: 2, f: (a, b) => Number(a < b) },
  Greater: { arity: 2, f: (a, b) => Number(a > b) },
  Where: { arity: 3, f: (c, a, b) => (c !== 0 ? a : b) },
};

function elementwise(node: Node, inputs: Inputs, dims: readonly number[]): HostTensor | undefined {
  const rule = ELEMENTWISE[node.op];
  const dtype = node.outputs[0]?.dtype;
  if (!rule || dtype === undefined || inputs.length !== rule.arity) return undefined;
  const operands: Float64Array[] = [];
  for (const input of inputs) {
    const values = input ? toDoubles(input) : undefined;
    if (!input || !values) return undefined;
    const doubles: Numeric = { dtype: "float64", dims: input.dims, data: values };
    operands.push(
      gatherStrided(doubles, dims, broadcastSteps(input.dims, dims)).data as Float64Array,
    );
  }
  const [a, b, c] = operands;
  if (!a) return undefined;
  const f = rule.integerF && inputs[0]?.dtype.includes("int") ? rule.integerF : rule.f;
  return fromDoubles(
    dtype,
    dims,
    a.map((v, i) => f(v, b?.[i] ?? 0, c?.[i] ?? 0)),
  );
}
