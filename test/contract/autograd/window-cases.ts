import { batchNormTraining } from "../../../src/autograd/index.js";
import { float, int, ints, str, type Attributes } from "../../../src/onnx/index.js";
import type { GradientCase } from "./gradient-check.js";

interface ConvCase {
  x: readonly number[];
  w: readonly number[];
  attributes?: Attributes;
  bias?: boolean;
}

const conv = (
  op: string,
  title: string,
  { x, w, attributes = {}, bias = false }: ConvCase,
): GradientCase => ({
  title: `${op} ${title}`,
  dtype: "float32",
  inputs: [{ dims: x }, { dims: w }, ...(bias ? [{ dims: [w[0] ?? 1] }] : [])],
  build: (f, inputs) => f.op(op, inputs, attributes),
});

const window = (
  kernel: readonly number[],
  rest: Record<string, readonly number[]> = {},
): Attributes =>
  Object.fromEntries(
    Object.entries({ kernel_shape: kernel, ...rest }).map(([k, v]) => [k, ints(v)]),
  );

export const windowCases: readonly GradientCase[] = [
  conv("Conv", "3x3, same size, bias", {
    x: [2, 2, 4, 5],
    w: [3, 2, 3, 3],
    attributes: window([3, 3], { pads: [1, 1, 1, 1] }),
    bias: true,
  }),
  conv("Conv", "3x3 on a large map", {
    x: [2, 1, 20, 20],
    w: [1, 1, 3, 3],
    attributes: window([3, 3], { pads: [1, 1, 1, 1] }),
  }),
  conv("Conv", "9x8", {
    x: [1, 1, 9, 9],
    w: [2, 1, 9, 8],
    attributes: window([9, 8], { pads: [1, 1, 1, 1] }),
  }),
  conv("Conv", "1x1", { x: [2, 3, 2, 2], w: [2, 3, 1, 1] }),
  conv("Conv", "3x2 without padding", { x: [1, 2, 4, 4], w: [2, 2, 3, 2] }),
  conv("Conv", "padded beyond the kernel's reach", {
    x: [1, 1, 2, 3],
    w: [1, 1, 2, 2],
    attributes: window([2, 2], { pads: [2, 0, 1, 3] }),
  }),
  conv("Conv", "stride 2", {
    x: [2, 2, 4, 6],
    w: [2, 2, 3, 3],
    attributes: window([3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }),
  }),
  conv("Conv", "stride 2 that leaves a row over", {
    x: [1, 1, 6, 6],
    w: [2, 1, 3, 3],
    attributes: window([3, 3], { strides: [2, 2] }),
  }),
  conv("Conv", "1x1 stride 2", {
    x: [1, 2, 4, 4],
    w: [3, 2, 1, 1],
    attributes: window([1, 1], { strides: [2, 2] }),
  }),
  conv("Conv", "strides 3 and 1, uneven padding", {
    x: [1, 2, 7, 4],
    w: [2, 2, 3, 3],
    attributes: window([3, 3], { pads: [0, 1, 2, 1], strides: [3, 1] }),
  }),
  conv("Conv", "dilated", {
    x: [1, 2, 5, 6],
    w: [2, 2, 2, 3],
    attributes: window([2, 3], { pads: [1, 2, 1, 2], dilations: [2, 2] }),
  }),
  conv("Conv", "dilated and strided", {
    x: [1, 1, 7, 7],
    w: [2, 1, 2, 2],
    attributes: window([2, 2], { strides: [2, 2], dilations: [3, 2] }),
  }),
  conv("Conv", "SAME_UPPER", {
    x: [1, 1, 5, 4],
    w: [2, 1, 2, 3],
    attributes: { ...window([2, 3], { strides: [2, 2] }), auto_pad: str("SAME_UPPER") },
  }),
  conv("Conv", "SAME_LOWER", {
    x: [1, 1, 4, 4],
    w: [1, 1, 2, 2],
    attributes: { ...window([2, 2]), auto_pad: str("SAME_LOWER") },
  }),
  conv("Conv", "two groups", {
    x: [2, 4, 3, 3],
    w: [6, 2, 3, 3],
    attributes: { ...window([3, 3], { pads: [1, 1, 1, 1] }), group: int(2) },
  }),
  conv("Conv", "depthwise", {
    x: [2, 3, 4, 4],
    w: [3, 1, 3, 3],
    attributes: { ...window([3, 3], { pads: [1, 1, 1, 1] }), group: int(3) },
  }),
  conv("Conv", "depthwise, stride 2, two outputs a channel", {
    x: [1, 2, 5, 5],
    w: [4, 1, 3, 3],
    attributes: { ...window([3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }), group: int(2) },
  }),
  conv("ConvTranspose", "stride 2", {
    x: [1, 2, 3, 2],
    w: [2, 3, 2, 2],
    attributes: window([2, 2], { strides: [2, 2] }),
  }),
  {
    ...conv("ConvTranspose", "padded, output padding, bias, groups", {
      x: [1, 4, 3, 3],
      w: [4, 1, 3, 3],
      attributes: {
        ...window([3, 3], { pads: [1, 1, 1, 1], strides: [2, 2], output_padding: [1, 1] }),
        group: int(2),
      },
    }),
    inputs: [{ dims: [1, 4, 3, 3] }, { dims: [4, 1, 3, 3] }, { dims: [2] }],
  },
  {
    title: "GlobalAveragePool",
    dtype: "float32",
    inputs: [{ dims: [2, 2, 3, 2] }],
    build: (f, x) => f.op("GlobalAveragePool", x),
  },
  ...(
    [
      ["disjoint windows", [1, 2, 4, 4], window([2, 2], { strides: [2, 2] })],
      ["disjoint windows, a row left over", [1, 1, 5, 4], window([2, 2], { strides: [2, 2] })],
      [
        "overlapping windows",
        [1, 2, 5, 5],
        window([3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
      ],
      [
        "padding that counts",
        [1, 1, 4, 4],
        { ...window([3, 3], { pads: [1, 0, 1, 2] }), count_include_pad: int(1) },
      ],
    ] as const
  ).map(([title, dims, attributes]): GradientCase => ({
    title: `AveragePool, ${title}`,
    dtype: "float32",
    inputs: [{ dims }],
    build: (f, x) => f.op("AveragePool", x, attributes),
  })),
  ...(
    [
      ["disjoint windows", [1, 2, 4, 4], window([2, 2], { strides: [2, 2] })],
      [
        "overlapping windows",
        [2, 1, 5, 5],
        window([3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
      ],
      ["rounding up", [1, 1, 5, 5], { ...window([2, 2], { strides: [2, 2] }), ceil_mode: int(1) }],
    ] as const
  ).map(([title, dims, attributes]): GradientCase => ({
    title: `MaxPool, ${title}`,
    dtype: "float32",
    inputs: [{ dims, distinct: true, low: -2, high: 2 }],
    build: (f, x) => f.op("MaxPool", x, attributes),
  })),
  {
    title: "Resize by 2 and 3, asymmetric floor",
    dtype: "float32",
    inputs: [{ dims: [1, 2, 2, 3] }],
    build: (f, [x]) =>
      f.op("Resize", [x ?? null, null, f.b.f32([1, 1, 2, 3])], {
        mode: str("nearest"),
        coordinate_transformation_mode: str("asymmetric"),
        nearest_mode: str("floor"),
      }),
  },
  {
    title: "Resize by 2 with half-pixel centres",
    dtype: "float32",
    inputs: [{ dims: [2, 1, 2, 2] }],
    build: (f, [x]) =>
      f.op("Resize", [x ?? null, null, f.b.f32([1, 1, 2, 2])], { mode: str("nearest") }),
  },
  {
    title: "BatchNormalization with fixed statistics",
    dtype: "float32",
    inputs: [
      { dims: [2, 2, 2, 2] },
      { dims: [2] },
      { dims: [2] },
      { dims: [2] },
      { dims: [2], low: 0.5, high: 2 },
    ],
    build: (f, x) => f.op("BatchNormalization", x, { epsilon: float(0.01) }),
  },
  {
    title: "LayerNormalization over the last axis",
    dtype: "float32",
    inputs: [{ dims: [2, 3, 5] }, { dims: [5] }, { dims: [5] }],
    build: (f, x) => f.op("LayerNormalization", x, { axis: int(-1), epsilon: float(0.05) }),
  },
  {
    title: "LayerNormalization over two axes",
    dtype: "float32",
    inputs: [{ dims: [3, 2, 4] }, { dims: [2, 4] }, { dims: [2, 4] }],
    build: (f, x) => f.op("LayerNormalization", x, { axis: int(1), epsilon: float(0.1) }),
  },
  {
    title: "batchNormTraining",
    dtype: "float32",
    inputs: [{ dims: [3, 2, 2, 2], low: 0, high: 3 }, { dims: [2] }, { dims: [2] }],
    build: (f, [x, scale, bias]) =>
      batchNormTraining(f.b, x ?? f.num(0), scale ?? f.num(0), bias ?? f.num(0), { epsilon: 0.1 })
        .y,
  },
  {
    title: "batchNormTraining in float64, without pixels",
    inputs: [{ dims: [4, 3] }, { dims: [3] }, { dims: [3] }],
    build: (f, [x, scale, bias]) =>
      batchNormTraining(f.b, x ?? f.num(0), scale ?? f.num(0), bias ?? f.num(0)).y,
  },
  {
    title: "statistics of batchNormTraining in a loss",
    inputs: [{ dims: [2, 2, 2, 2] }, { dims: [2] }, { dims: [2] }],
    build: (f, [x, scale, bias]) => {
      const { y, mean, variance } = batchNormTraining(
        f.b,
        x ?? f.num(0),
        scale ?? f.num(0),
        bias ?? f.num(0),
      );
      return f.add(f.sum(y, [0, 2, 3], { keep: false }), f.mul(mean, variance));
    },
  },
];
