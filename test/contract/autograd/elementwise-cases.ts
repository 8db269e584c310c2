import { float, int } from "../../../src/onnx/index.js";
import type { CaseInput, GradientCase } from "./gradient-check.js";

const any: CaseInput = { dims: [2, 3] };
const positive: CaseInput = { dims: [2, 3], low: 0.4, high: 2 };
const awayFrom = (...kinks: number[]): CaseInput => ({ dims: [2, 5], low: -4, high: 4, kinks });

/** An op of one input. */
const unary = (
  op: string,
  input: CaseInput,
  attributes = {},
  more: Partial<GradientCase> = {},
): GradientCase => ({
  title: `${op} ${JSON.stringify(attributes)} ${more.dtype ?? ""}`,
  inputs: [input],
  build: (f, [x]) => f.op(op, [x ?? null], attributes),
  ...more,
});

/** An op of two inputs, for several pairs of shapes that broadcast. */
const binary = (op: string, left: CaseInput = any, right: CaseInput = any): GradientCase[] =>
  (
    [
      [
        [2, 3],
        [2, 3],
      ],
      [[2, 3], [3]],
      [
        [2, 1, 3],
        [4, 1],
      ],
      [[], [2, 2]],
    ] as const
  ).map(([a, b]) => ({
    title: `${op} [${a.join()}] with [${b.join()}]`,
    inputs: [
      { ...left, dims: a },
      { ...right, dims: b },
    ],
    build: (f, x) => f.op(op, x),
  }));

export const elementwiseCases: readonly GradientCase[] = [
  unary("Identity", any),
  unary("Dropout", any),
  ...binary("Add"),
  ...binary("Sub"),
  ...binary("Mul"),
  ...binary("Div", any, positive),
  ...binary("Pow", positive, any),
  {
    title: "Pow with an integer exponent",
    inputs: [any],
    build: (f, [x]) => f.op("Pow", [x ?? null, f.b.i64([3])]),
  },
  {
    title: "Sum of three",
    inputs: [any, { dims: [3] }, any],
    build: (f, x) => f.op("Sum", x),
  },
  {
    title: "Mean of three, broadcast",
    inputs: [any, { dims: [3] }, { dims: [2, 1] }],
    build: (f, x) => f.op("Mean", x),
    dtype: "float32",
  },
  unary("Sin", awayFrom()),
  unary("Cos", awayFrom()),
  ...(["Max", "Min"] as const).flatMap((op): GradientCase[] => [
    {
      title: `${op} broadcast`,
      inputs: [
        { dims: [2, 4], low: -1, high: 1, distinct: true },
        { dims: [1], low: 0.04, high: 0.05 },
      ],
      build: (f, x) => f.op(op, x),
    },
    { title: `${op} of one`, inputs: [any], build: (f, x) => f.op(op, x) },
  ]),
  unary("Neg", any),
  unary("Sqrt", positive),
  unary("Reciprocal", positive),
  unary("Exp", any),
  unary("Log", positive),
  unary("Abs", awayFrom(0)),
  unary("Erf", any, {}, { dtype: "float32" }),
  unary("Cast", any, { to: int(1) }, { dtype: "float32" }),
  {
    title: "Cast there and back",
    inputs: [any],
    dtype: "float32",
    build: (f, [x]) =>
      f.cast(f.mul(f.cast(x ?? f.num(0), "float64"), f.cast(x ?? f.num(0), "float64")), "float32"),
  },
  {
    title: "Where, broadcast",
    inputs: [{ dims: [2, 3], kinks: [0] }, { dims: [3] }, { dims: [2, 1] }],
    dtype: "float32",
    build: (f, [c, x, y]) =>
      f.add(
        f.op("Where", [f.op("Greater", [c ?? null, f.num(0)]), x ?? null, y ?? null]),
        c ?? f.num(0),
      ),
  },
  unary("Relu", awayFrom(0)),
  unary("Relu", awayFrom(0), {}, { dtype: "float32" }),
  unary("LeakyRelu", awayFrom(0), { alpha: float(0.2) }, { dtype: "float32" }),
  unary("Sigmoid", any),
  unary("Tanh", any),
  unary("Softplus", any, {}, { dtype: "float32" }),
  unary("HardSigmoid", awayFrom(-2.5, 2.5), {}, { dtype: "float32" }),
  unary(
    "HardSigmoid",
    awayFrom(-1.2, 0.8),
    { alpha: float(0.5), beta: float(0.6) },
    { dtype: "float32" },
  ),
  unary("HardSwish", awayFrom(-3, 3), {}, { dtype: "float32" }),
  {
    title: "Clip, both bounds",
    inputs: [awayFrom(-1, 2)],
    build: (f, [x]) => f.op("Clip", [x ?? null, f.num(-1), f.num(2)]),
  },
  {
    title: "Clip, upper bound only",
    inputs: [awayFrom(2)],
    build: (f, [x]) => f.op("Clip", [x ?? null, null, f.num(2)]),
  },
  ...[0, 1, -1].flatMap((axis) => [
    unary("Softmax", { dims: [2, 3, 2] }, { axis: int(axis) }),
    unary("LogSoftmax", { dims: [2, 3, 2] }, { axis: int(axis) }),
  ]),
  unary(
    "Softmax",
    { dims: [2, 3, 2] },
    { axis: int(1) },
    { opset: 11, title: "Softmax before opset 13 flattens" },
  ),
];
