import { float, int } from "../../../src/onnx/index.js";
import type { GradientCase } from "./gradient-check.js";

const epsilon = float(0.1);

/** Normalizations beside those of `window-cases.ts`. */
export const normalizationCases: readonly GradientCase[] = [
  {
    title: "InstanceNormalization of images",
    dtype: "float32",
    inputs: [{ dims: [2, 3, 2, 3] }, { dims: [3] }, { dims: [3] }],
    build: (f, x) => f.op("InstanceNormalization", x, { epsilon }),
  },
  {
    title: "InstanceNormalization of sequences",
    dtype: "float32",
    opset: 11,
    inputs: [{ dims: [2, 2, 5] }, { dims: [2] }, { dims: [2] }],
    build: (f, x) => f.op("InstanceNormalization", x, { epsilon }),
  },
  {
    title: "GroupNormalization, scale and bias a group",
    dtype: "float32",
    opset: 18,
    inputs: [{ dims: [2, 6, 2, 2] }, { dims: [3] }, { dims: [3] }],
    build: (f, x) => f.op("GroupNormalization", x, { num_groups: int(3), epsilon }),
  },
  {
    title: "GroupNormalization, scale and bias a channel",
    dtype: "float32",
    opset: 21,
    inputs: [{ dims: [2, 6, 2, 2] }, { dims: [6] }, { dims: [6] }],
    build: (f, x) => f.op("GroupNormalization", x, { num_groups: int(2), epsilon }),
  },
  {
    title: "GroupNormalization of one group, of sequences",
    dtype: "float32",
    opset: 21,
    inputs: [{ dims: [2, 4, 3] }, { dims: [4] }, { dims: [4] }],
    build: (f, x) => f.op("GroupNormalization", x, { num_groups: int(1), epsilon }),
  },
  ...[1, 2].flatMap((p) =>
    [-1, 1].map((axis): GradientCase => ({
      title: `LpNormalization p ${String(p)} axis ${String(axis)}`,
      inputs: [{ dims: [2, 3, 2], low: -2, high: 2, kinks: [0] }],
      build: (f, x) => f.op("LpNormalization", x, { p: int(p), axis: int(axis) }),
    })),
  ),
];
