import { int, ints } from "../../../src/onnx/index.js";
import { float32, int64 } from "../../../src/tensor/index.js";
import type { GradientCase } from "./gradient-check.js";

const on = (
  title: string,
  dims: readonly number[],
  build: GradientCase["build"],
  more: Partial<GradientCase> = {},
): GradientCase => ({ title, inputs: [{ dims }], build, ...more });

const KINKED = new Set(["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceProd"]);

const reductions = [
  "ReduceSum",
  "ReduceMean",
  "ReduceSumSquare",
  "ReduceL2",
  "ReduceL1",
  "ReduceLogSum",
  "ReduceLogSumExp",
  "ReduceProd",
  "ReduceMax",
  "ReduceMin",
].flatMap((op): GradientCase[] =>
  (
    [
      [[1], 1],
      [[0, 2], 0],
      [[-1], 0],
      [undefined, 0],
    ] as const
  ).map(([axes, keep]) => ({
    title: `${op} over ${axes?.join() ?? "all"}, keepdims ${String(keep)}`,
    inputs: [{ dims: [2, 3, 2], distinct: true, ...(KINKED.has(op) ? { low: 0.5, high: 2 } : {}) }],
    build: (f, x) => {
      const keepdims = int(keep);
      return op === "ReduceSum"
        ? f.op(op, axes ? [...x, f.b.i64(axes)] : x, { keepdims })
        : f.op(op, x, axes ? { axes: ints(axes), keepdims } : { keepdims });
    },
  })),
);

export const shapeCases: readonly GradientCase[] = [
  ...reductions,
  ...["ReduceProd", "ReduceL2", "ReduceLogSumExp"].map((op) =>
    on(
      `${op} with axes as input`,
      [2, 3],
      (f, [x]) => f.op(op, [x ?? null, f.b.i64([-1])], { keepdims: int(0) }),
      { opset: 18 },
    ),
  ),
  {
    title: "ReduceProd with one zero and with two",
    inputs: [{ dims: [2, 1], low: 0, high: 0 }, { dims: [2, 3] }, { dims: [1, 1] }],
    build: (f, [zeros, x, last]) => {
      const second = f.op("Concat", [last ?? null, f.op("Gather", [zeros ?? null, f.b.i64([1])])], {
        axis: int(0),
      });
      const all = f.op("Concat", [zeros ?? null, x ?? null, second], { axis: int(1) });
      return f.op("ReduceProd", [all], { axes: ints([1]) });
    },
  },
  on(
    "ReduceMean with axes as input",
    [2, 3],
    (f, [x]) => f.op("ReduceMean", [x ?? null, f.b.i64([1])]),
    { opset: 18 },
  ),
  on(
    "ReduceSum with axes as attribute",
    [2, 3],
    (f, x) => f.op("ReduceSum", x, { axes: ints([1]) }),
    { opset: 11 },
  ),
  on("Reshape", [2, 6], (f, [x]) => f.op("Reshape", [x ?? null, f.b.i64([3, -1])])),
  on("Flatten", [2, 3, 2], (f, x) => f.op("Flatten", x)),
  on("Squeeze", [2, 1, 3], (f, [x]) => f.op("Squeeze", [x ?? null, f.b.i64([1])])),
  on("Unsqueeze", [2, 3], (f, [x]) => f.op("Unsqueeze", [x ?? null, f.b.i64([0, 2])])),
  on("Expand", [2, 1], (f, [x]) => f.op("Expand", [x ?? null, f.b.i64([3, 2, 4])])),
  on("Transpose", [2, 3, 4], (f, x) => f.op("Transpose", x, { perm: ints([1, 2, 0]) })),
  on("Transpose by default", [2, 3], (f, x) => f.op("Transpose", x)),
  {
    title: "Concat along a negative axis",
    inputs: [{ dims: [2, 1] }, { dims: [2, 3] }, { dims: [2, 2] }],
    build: (f, x) => f.op("Concat", x, { axis: int(-1) }),
  },
  on("Concat of one value with itself", [2, 2], (f, [x]) =>
    f.op("Concat", [x ?? null, x ?? null], { axis: int(0) }),
  ),
  on("Split, one part unused", [2, 6], (f, [x]) => {
    const [a, , c] = f.b.multi(
      "Split",
      [x ?? null, f.b.i64([1, 2, 3])],
      { axis: int(1) },
      { outputs: 3 },
    );
    return f.mul(a ?? f.num(0), c ?? f.num(0));
  }),
  on("Split evenly", [4, 2], (f, [x]) => {
    const [a, c] = f.b.multi("Split", [x ?? null], {}, { outputs: 2 });
    return f.mul(a ?? f.num(0), c ?? f.num(0));
  }),
  on("Slice with negative bounds", [4, 5], (f, [x]) =>
    f.slice(x ?? f.num(0), { axes: [0, -1], starts: [1, -4], ends: [3, -1] }),
  ),
  on("Slice past the end", [4], (f, [x]) =>
    f.slice(x ?? f.num(0), { axes: [0], starts: [2], ends: [99] }),
  ),
  on("Slice by steps", [7, 5], (f, [x]) =>
    f.slice(x ?? f.num(0), { axes: [0, 1], starts: [1, 0], ends: [7, 5], steps: [3, 2] }),
  ),
  on("Slice backwards", [6, 5], (f, [x]) =>
    f.slice(x ?? f.num(0), { axes: [0, 1], starts: [-1, 3], ends: [-99, 0], steps: [-2, -1] }),
  ),
  on("Gather rows, one twice", [4, 2], (f, [x]) =>
    f.op("Gather", [x ?? null, f.b.i64([3, 0, 3])], { axis: int(0) }),
  ),
  on("Gather along a middle axis, indices of rank 2", [2, 4, 3], (f, [x]) =>
    f.op("Gather", [x ?? null, f.b.constant(int64([1, 3, -1, 0], [2, 2]))], { axis: int(1) }),
  ),
  on("Gather one", [3, 2], (f, [x]) =>
    f.op("Gather", [x ?? null, f.b.constant(int64([2], []))], { axis: int(-2) }),
  ),
  on("Pad", [2, 3], (f, [x]) => f.op("Pad", [x ?? null, f.b.i64([1, 0, 2, 1]), f.num(0.5)])),
  on("Pad that crops", [4, 4], (f, [x]) =>
    f.op("Pad", [x ?? null, f.b.i64([-1, 1, 2, -2]), f.num(0)]),
  ),
  {
    title: "MatMul",
    inputs: [{ dims: [2, 3] }, { dims: [3, 4] }],
    build: (f, x) => f.op("MatMul", x),
  },
  {
    title: "MatMul of batches with one matrix",
    inputs: [{ dims: [2, 2, 3] }, { dims: [3, 2] }],
    build: (f, x) => f.op("MatMul", x),
  },
  {
    title: "MatMul with broadcast batches",
    inputs: [{ dims: [2, 1, 2, 3] }, { dims: [3, 3, 2] }],
    build: (f, x) => f.op("MatMul", x),
  },
  {
    title: "MatMul of a vector with matrices",
    inputs: [{ dims: [3] }, { dims: [2, 3, 2] }],
    build: (f, x) => f.op("MatMul", x),
  },
  {
    title: "MatMul of matrices with a vector",
    inputs: [{ dims: [2, 2, 3] }, { dims: [3] }],
    build: (f, x) => f.op("MatMul", x),
  },
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB): GradientCase => ({
      title: `Gemm transA ${String(transA)} transB ${String(transB)}`,
      inputs: [
        { dims: transA ? [3, 2] : [2, 3] },
        { dims: transB ? [4, 3] : [3, 4] },
        { dims: transA ? [4] : [2, 1] },
      ],
      build: (f, x) =>
        f.op("Gemm", x, {
          alpha: { type: "float", value: 0.5 },
          beta: { type: "float", value: 1.5 },
          transA: int(transA),
          transB: int(transB),
        }),
    })),
  ),
  on(
    "DequantizeLinear passes the gradient of a fake quantization",
    [2, 8],
    fakeQuantized(0.1, "int8"),
    {
      inputs: [{ dims: [2, 8], low: -16, high: 16, kinks: [-12.8, 12.7] }],
      dtype: "float32",
      expected: ([x = []], weights) => [
        weights.map((w, i) => (Math.abs((x[i] ?? 0) + 0.05) < 12.8 ? w : 0)),
      ],
    },
  ),
  on("QuantizeLinear per channel with a zero point", [2, 3], perChannelQuantized, {
    inputs: [{ dims: [2, 3], low: -6, high: 6, kinks: [-2, 3.1, -5.12, 5.08] }],
    dtype: "float32",
    // uint8: channel 0 holds (0 - 100)·0.02 to (255 - 100)·0.02, channel 1 all there is, channel 2 from 0 up
    expected: ([x = []], weights) => [
      weights.map((w, i) => {
        const v = x[i] ?? 0;
        const inside = [v > -2 && v < 3.1, true, v > 0][i % 3];
        return inside ? w : 0;
      }),
    ],
  }),
];

function fakeQuantized(scale: number, dtype: "int8"): GradientCase["build"] {
  return (f, [x]) => {
    const s = f.b.f32(scale);
    const zero = f.b.constant({ dtype, dims: [], data: Int8Array.of(0) });
    return f.op("DequantizeLinear", [f.op("QuantizeLinear", [x ?? null, s, zero]), s, zero]);
  };
}

function perChannelQuantized(
  f: Parameters<GradientCase["build"]>[0],
  [x]: Parameters<GradientCase["build"]>[1],
): ReturnType<GradientCase["build"]> {
  const s = f.b.constant(float32([3], [0.02, 1, 0.1]));
  const zero = f.b.constant({ dtype: "uint8", dims: [3], data: Uint8Array.of(100, 128, 0) });
  const axis = { axis: int(1) };
  return f.op(
    "DequantizeLinear",
    [f.op("QuantizeLinear", [x ?? null, s, zero], axis), s, zero],
    axis,
  );
}
