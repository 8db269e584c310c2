import { int, ints, str, type Attributes } from "../../../src/onnx/index.js";
import type { GradientCase } from "./gradient-check.js";

const onSequence = (
  op: string,
  title: string,
  dims: readonly (readonly number[])[],
  attributes: Attributes = {},
): GradientCase => ({
  title: `${op} 1-D, ${title}`,
  dtype: "float32",
  inputs: dims.map((d) => ({ dims: d })),
  build: (f, x) => f.op(op, x, attributes),
});

/** Windows over sequences `[N, C, L]`, and padding by name. */
export const sequenceCases: readonly GradientCase[] = [
  onSequence("Conv", "padded, bias", [[2, 2, 7], [3, 2, 3], [3]], { pads: ints([1, 1]) }),
  onSequence(
    "Conv",
    "strided, uneven padding",
    [
      [1, 2, 8],
      [3, 2, 3],
    ],
    {
      strides: ints([2]),
      pads: ints([2, 1]),
    },
  ),
  onSequence(
    "Conv",
    "dilated, groups",
    [
      [2, 4, 8],
      [4, 2, 3],
    ],
    {
      dilations: ints([2]),
      group: int(2),
    },
  ),
  onSequence(
    "Conv",
    "depthwise",
    [
      [2, 3, 6],
      [3, 1, 3],
    ],
    { group: int(3), pads: ints([1, 1]) },
  ),
  onSequence(
    "Conv",
    "SAME_UPPER",
    [
      [1, 1, 7],
      [2, 1, 4],
    ],
    {
      auto_pad: str("SAME_UPPER"),
      strides: ints([2]),
    },
  ),
  onSequence("ConvTranspose", "strided, bias", [[1, 2, 4], [2, 3, 3], [3]], {
    strides: ints([2]),
    pads: ints([1, 0]),
    output_padding: ints([1]),
  }),
  onSequence("AveragePool", "disjoint", [[1, 2, 6]], {
    kernel_shape: ints([2]),
    strides: ints([2]),
  }),
  onSequence("AveragePool", "padded", [[1, 2, 6]], { kernel_shape: ints([3]), pads: ints([1, 1]) }),
  {
    title: "Conv VALID",
    dtype: "float32",
    inputs: [{ dims: [1, 2, 5, 4] }, { dims: [2, 2, 3, 2] }],
    build: (f, x) => f.op("Conv", x, { auto_pad: str("VALID"), strides: ints([2, 1]) }),
  },
];
