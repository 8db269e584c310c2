import { int, ints, str } from "../../../src/onnx/index.js";
import type { GradientCase } from "./gradient-check.js";

const resize = (
  mode: string,
  transformation: string,
  scales: readonly number[],
  rounding = "round_prefer_floor",
): GradientCase => ({
  title: `Resize ${mode} ${transformation} ${rounding} by ${scales.join()}`,
  dtype: "float32",
  opset: transformation === "half_pixel_symmetric" ? 19 : 13,
  inputs: [{ dims: [1, 2, 4, 5] }],
  build: (f, [x]) =>
    f.op("Resize", [x ?? null, null, f.b.f32([1, 1, ...scales])], {
      mode: str(mode),
      coordinate_transformation_mode: str(transformation),
      nearest_mode: str(rounding),
    }),
});

/** Resampling by matrices, and padding with what lies inside. */
export const resampleCases: readonly GradientCase[] = [
  ...["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"].flatMap((t) => [
    resize("linear", t, [2, 3]),
    resize("linear", t, [1.5, 0.6]),
  ]),
  resize("linear", "half_pixel_symmetric", [2.2, 0.7]),
  resize("nearest", "half_pixel", [1.5, 0.6]),
  resize("nearest", "asymmetric", [2, 2]),
  resize("nearest", "asymmetric", [2, 3], "ceil"),
  resize("nearest", "align_corners", [2, 1.6], "round_prefer_ceil"),
  resize("nearest", "asymmetric", [0.5, 0.4], "floor"),
  {
    title: "Resize linear to sizes",
    dtype: "float32",
    inputs: [{ dims: [2, 1, 3, 4] }],
    build: (f, [x]) =>
      f.op("Resize", [x ?? null, null, null, f.b.i64([2, 1, 5, 7])], { mode: str("linear") }),
  },
  {
    title: "Resize linear of two axes by name",
    dtype: "float32",
    opset: 18,
    inputs: [{ dims: [2, 1, 3, 4] }],
    build: (f, [x]) =>
      f.op("Resize", [x ?? null, null, f.b.f32([2, 1.5])], {
        mode: str("linear"),
        axes: ints([2, 3]),
      }),
  },
  ...["edge", "reflect", "wrap"].flatMap((mode): GradientCase[] => [
    {
      title: `Pad ${mode} on all sides`,
      opset: 19,
      inputs: [{ dims: [1, 2, 4, 5] }],
      build: (f, [x]) =>
        f.op("Pad", [x ?? null, f.b.i64([0, 0, 2, 1, 0, 0, 1, 3])], { mode: str(mode) }),
    },
    {
      title: `Pad ${mode} before one axis`,
      opset: 19,
      inputs: [{ dims: [3, 4] }],
      build: (f, [x]) =>
        f.op("Pad", [x ?? null, f.b.i64([2, 0]), null, f.b.i64([-2])], { mode: str(mode) }),
    },
  ]),
  {
    title: "GlobalMaxPool",
    dtype: "float32",
    inputs: [{ dims: [2, 2, 3, 2], distinct: true, low: -2, high: 2 }],
    build: (f, x) => f.op("GlobalMaxPool", x),
  },
  ...[1, 2, 3].map((p): GradientCase => ({
    title: `LpPool, p ${String(p)}, overlapping and padded`,
    dtype: "float32",
    inputs: [{ dims: [1, 2, 5, 4], low: -2, high: 2, kinks: [0] }],
    build: (f, x) =>
      f.op("LpPool", x, {
        p: int(p),
        kernel_shape: ints([3, 2]),
        strides: ints([2, 1]),
        pads: ints([1, 0, 1, 1]),
      }),
  })),
];
