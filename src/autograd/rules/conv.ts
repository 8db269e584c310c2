import { int, withMeaning, type Value } from "../../onnx/index.js";
import { float32, type HostTensor } from "../../tensor/index.js";
import { dimsOf, type Algebra } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import {
  planar,
  reach,
  transposedConv,
  windowAttributes,
  windowOf,
  type Window,
} from "./window.js";

/**
 * A convolution as a linear map: x `[N, C, H, W]` through w `[M, C/groups, kH, kW]` to y `[N, M, rows, columns]`.
 * ConvTranspose runs it backwards: its input is y, its output x.
 */
interface ConvShape {
  n: number;
  c: number;
  height: number;
  width: number;
  m: number;
  rows: number;
  columns: number;
  groups: number;
  window: Window;
}

function shapeOf(c: RuleContext, x: Value, y: Value): ConvShape {
  const [n = 1, channels = 1, height = 1, width = 1] = planar(dimsOf(x));
  const [, , ...kernel] = dimsOf(c.x(1));
  const [, m = 1, rows = 1, columns = 1] = planar(dimsOf(y));
  const groups = c.node.int("group", 1);
  return { n, c: channels, height, width, m, rows, columns, groups, window: windowOf(c, kernel) };
}

/** The node's input, filter and dy as images. */
function asImages(c: RuleContext): { x: Value; w: Value; dy: Value } {
  const image = (v: Value): Value => c.reshape(v, planar(dimsOf(v)));
  return { x: image(c.x(0)), w: image(c.x(1)), dy: image(c.dy) };
}

/** Up to here one product over all images beats one an image (CPU, measured at batch 8, 32 to 128 channels). */
const PIXELS_OF_SMALL_MAPS = 384;

export const convRules: readonly Rule[] = [
  defineRule("Conv", (c) => {
    const s = shapeOf(c, c.x(0), c.y());
    const { x, w, dy } = asImages(c);
    return [
      () => c.reshape(inputGradient(c, dy, w, s), dimsOf(c.x(0))),
      () => c.reshape(weightGradient(c, x, dy, s), dimsOf(c.x(1))),
      () => c.sum(dy, [0, 2, 3], { keep: false }),
    ];
  }),
  defineRule("ConvTranspose", (c) => {
    if (c.node.string("auto_pad", "NOTSET") !== "NOTSET" || c.node.ints("output_shape"))
      c.fail("auto_pad or output_shape instead of pads");
    const s = shapeOf(c, c.y(), c.x(0));
    const { x, w, dy } = asImages(c);
    const attributes = { ...windowAttributes(s.window), group: int(s.groups) };
    return [
      () => c.reshape(c.op("Conv", [dy, w], attributes), dimsOf(c.x(0))),
      () => c.reshape(weightGradient(c, dy, x, s), dimsOf(c.x(1))),
      () => c.sum(dy, [0, 2, 3], { keep: false }),
    ];
  }),
];

/** Stride 1: a convolution with the kernels flipped and their channels swapped. Else the transposed convolution. */
function inputGradient(f: Algebra, dy: Value, w: Value, s: ConvShape): Value {
  const { window, groups } = s;
  const span = reach(window);
  const pads = window.pads.map(
    (p, i) => span[(i % 2) as 0 | 1] - 1 - p,
  ) as unknown as Window["pads"];
  if (window.strides.some((stride) => stride > 1) || pads.some((p) => p < 0))
    return transposedConv(f, dy, w, window, s);
  const [kh, kw] = window.kernel;
  const grouped = f.reshape(w, [groups, s.m / groups, s.c / groups, kh * kw]);
  const swapped = f.transpose(grouped, [0, 2, 1, 3]);
  const turned = f.reshape(reversed(f, swapped), [s.c, s.m / groups, kh, kw]);
  const flipped = groups === 1 ? withMeaning(turned, { kind: "turned-filter", w }) : turned;
  return f.op("Conv", [dy, flipped], {
    ...windowAttributes({ ...window, pads }),
    group: int(groups),
  });
}

/** Up to here a product with a constant matrix moves kernel taps faster than Slice and Transpose do (CPU, measured). */
const TAPS_TO_MULTIPLY = 64;

/** `[n, n]` with ones where `column(row)` says. */
function permutation(f: Algebra, n: number, column: (row: number) => number): Value {
  const data = new Float32Array(n * n);
  for (let row = 0; row < n; row++) data[row * n + column(row)] = 1;
  const value = f.b.constant(float32([n, n], data));
  return f.dtype === "float32" ? value : f.cast(value, f.dtype);
}

/** Turns the last axis around. */
function reversed(f: Algebra, x: Value): Value {
  const dims = dimsOf(x);
  const taps = dims.at(-1) ?? 1;
  if (taps === 1) return x;
  if (taps <= TAPS_TO_MULTIPLY)
    return f.op("MatMul", [x, permutation(f, taps, (row) => taps - 1 - row)]);
  return f.slice(x, { axes: [dims.length - 1], starts: [-1], ends: [-(2 ** 31)], steps: [-1] });
}

/** `[taps, k]` → `[k, taps]` */
function transposedTaps(f: Algebra, x: Value): Value {
  const [taps = 1] = dimsOf(x);
  if (taps === 1 || taps > TAPS_TO_MULTIPLY) return f.transpose(x, [1, 0]);
  return f.op("Gemm", [x, permutation(f, taps, (row) => row)], { transA: int(1) });
}

/**
 * dw[m, c, i, j] = Σ over images and outputs of dy[m, a, b] · x[c, a·stride + i·dilation - top, b·stride + …].
 * The three forms are the fastest measured on the CPU, see the room's README.
 */
function weightGradient(f: Algebra, x: Value, dy: Value, s: ConvShape): Value {
  const { kernel, strides, dilations, pads } = s.window;
  return withMeaning(plainWeightGradient(f, x, dy, s), {
    kind: "conv-weight-gradient",
    ...{ x, dy, kernel, strides, dilations, pads, groups: s.groups },
  });
}

function plainWeightGradient(f: Algebra, x: Value, dy: Value, s: ConvShape): Value {
  if (s.window.strides.some((stride) => stride > 1)) return byTaps(f, x, dy, s);
  if (s.groups === 1) return byShiftedProducts(f, x, dy, s);
  return s.groups === s.c && s.m === s.c ? byShiftedSums(f, x, dy, s) : byTaps(f, x, dy, s);
}

/**
 * dy moved sideways for each column of the kernel and x moved up or down for each row, `[N, ·, rows, width]`: the taps
 * of a kernel at stride 1 are their pairs, so that a 3x3 kernel costs four shifts instead of eight.
 */
function shifts(f: Algebra, x: Value, dy: Value, s: ConvShape): { xs: Value[]; dys: Value[] } {
  const { height, width, rows, columns, window } = s;
  const [top, left] = window.pads;
  const dys = Array.from({ length: window.kernel[1] }, (_, j) => {
    const before = j * window.dilations[1] - left;
    return f.pad(dy, [0, 0, 0, before, 0, 0, 0, width - columns - before]);
  });
  const xs = Array.from({ length: window.kernel[0] }, (_, i) => {
    const above = top - i * window.dilations[0];
    return f.pad(x, [0, 0, above, 0, 0, 0, rows - height - above, 0]);
  });
  return { xs, dys };
}

/**
 * One matrix product for each row of the kernel, the columns stacked in dy's channels. Small maps are laid out channels
 * first, so that the product also sums over the images; large ones are multiplied image by image, which saves the copies.
 */
function byShiftedProducts(f: Algebra, x: Value, dy: Value, s: ConvShape): Value {
  const { n, c, m, rows, width } = s;
  const pixels = rows * width;
  const small = pixels <= PIXELS_OF_SMALL_MAPS && n > 1;
  const first = (v: Value): Value => (small ? f.transpose(v, [1, 0, 2, 3]) : v);
  const { xs, dys } = shifts(f, first(x), first(dy), s);
  const matrix = (v: Value, channels: number): Value =>
    f.reshape(v, small ? [channels, n * pixels] : [n, channels, pixels]);
  const left = matrix(concat(f, dys, small ? 0 : 1), dys.length * m);
  const products = xs.map((shifted) => {
    const right = f.transpose(matrix(shifted, c), small ? [1, 0] : [0, 2, 1]);
    const product = f.op("MatMul", [left, right]);
    const total = small ? product : f.sum(product, [0], { keep: false });
    return f.reshape(total, [1, dys.length, m, c]);
  });
  const taps = products.length * dys.length;
  const byTap = f.reshape(concat(f, products, 0), [taps, m * c]);
  return f.reshape(transposedTaps(f, byTap), [m, c, ...s.window.kernel]);
}

/** Depthwise: a product and a sum for each tap. */
function byShiftedSums(f: Algebra, x: Value, dy: Value, s: ConvShape): Value {
  const { xs, dys } = shifts(f, x, dy, s);
  const taps = xs.flatMap((row) =>
    dys.map((column) => {
      const sum = f.sum(f.mul(row, column), [0, 2, 3], { keep: false });
      return f.reshape(sum, [s.c, 1]);
    }),
  );
  return f.reshape(concat(f, taps, 1), [s.c, 1, ...s.window.kernel]);
}

function concat(f: Algebra, parts: readonly Value[], axis: number): Value {
  const [only] = parts;
  return only && parts.length === 1 ? only : f.op("Concat", parts, { axis: int(axis) });
}

/** Im2col by a depthwise convolution with one-hot kernels, then one product a group. */
function byTaps(f: Algebra, x: Value, dy: Value, s: ConvShape): Value {
  const { n, c, m, rows, columns, groups, window } = s;
  const taps = window.kernel[0] * window.kernel[1];
  const pixels = rows * columns;
  const gathered =
    taps === 1 && pixels === s.height * s.width
      ? x
      : f.op("Conv", [x, tapKernels(f, s)], { ...windowAttributes(window), group: int(c) });
  const left = f.reshape(dy, [n, groups, m / groups, pixels]);
  const right = f.reshape(gathered, [n, groups, (c / groups) * taps, pixels]);
  const product = f.op("MatMul", [left, f.transpose(right, [0, 1, 3, 2])]);
  return f.reshape(f.sum(product, [0], { keep: false }), [m, c / groups, ...window.kernel]);
}

/** `[C·taps, 1, kH, kW]`: output channel c·taps + t copies tap t of channel c. */
function tapKernels(f: Algebra, { c, window: { kernel } }: ConvShape): Value {
  const taps = kernel[0] * kernel[1];
  const data = new Float32Array(c * taps * taps);
  for (let i = 0; i < c * taps; i++) data[i * taps + (i % taps)] = 1;
  const kernels: HostTensor = float32([c * taps, 1, ...kernel], data);
  const value = f.b.constant(kernels);
  return f.dtype === "float32" ? value : f.cast(value, f.dtype);
}
