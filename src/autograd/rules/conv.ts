import { int, type Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import { reach, transposedConv, windowAttributes, windowOf, type Window } from "./window.js";

/** A convolution's sizes: x `[N, C, H, W]`, w `[M, C/groups, kH, kW]`, y `[N, M, Ho, Wo]`. */
export interface ConvShape {
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

function convShape(c: RuleContext): ConvShape {
  const [n = 1, channels = 1, height = 1, width = 1] = dimsOf(c.x());
  const [m = 1, , kh = 1, kw = 1] = dimsOf(c.x(1));
  const [, , rows = 1, columns = 1] = dimsOf(c.y());
  const groups = c.node.int("group", 1);
  return { n, c: channels, height, width, m, rows, columns, groups, window: windowOf(c, [kh, kw]) };
}

export const convRules: readonly Rule[] = [
  defineRule("Conv", (c) => {
    const shape = convShape(c);
    return [
      () => inputGradient(c, shape),
      () => weightGradient(c, shape),
      () => c.sum(c.dy, [0, 2, 3], { keep: false }),
    ];
  }),
];

/** Stride 1: a convolution with the kernels flipped and their channels swapped. Else the transposed convolution. */
function inputGradient(c: RuleContext, s: ConvShape): Value {
  const { window, groups } = s;
  const span = reach(window);
  const pads = [
    span[0] - 1 - window.pads[0],
    span[1] - 1 - window.pads[1],
    span[0] - 1 - window.pads[2],
    span[1] - 1 - window.pads[3],
  ] as const;
  if (window.strides.some((stride) => stride > 1) || pads.some((p) => p < 0))
    return transposedConv(c, c.dy, c.x(1), window, s);
  const [kh, kw] = window.kernel;
  const grouped = c.reshape(c.x(1), [groups, s.m / groups, s.c / groups, kh, kw]);
  const swapped = c.reshape(c.transpose(grouped, [0, 2, 1, 3, 4]), [s.c, s.m / groups, kh, kw]);
  const flipped =
    kh === 1 && kw === 1
      ? swapped
      : c.slice(swapped, { axes: [2, 3], starts: [-1, -1], ends: [-(2 ** 31), -(2 ** 31)], steps: [-1, -1] });
  return c.op("Conv", [c.dy, flipped], { ...windowAttributes({ ...window, pads }), group: int(groups) });
}

/**
 * dW[m, c, i, j] = Σ over images and pixels of dy[m, p] · x[c, p shifted by (i, j)].
 * Dense 2-D kernels go through matrix products, which the CPU engine runs two to three times as fast as the convolution
 * with swapped roles that serves the rest: measured at 32 channels, 64x48, batch 8, one thread: 8.3 against 19.7 ms.
 */
function weightGradient(c: RuleContext, s: ConvShape): Value {
  const { window, groups, m } = s;
  const dilated = window.dilations.some((d) => d > 1);
  const strided = window.strides.some((d) => d > 1);
  if (groups > 1 || dilated || window.kernel.length !== 2) return swappedRoles(c, s);
  const [kh, kw] = window.kernel;
  return c.reshape(strided ? byOneHotColumns(c, s) : byShifts(c, s), [m, s.c, kh, kw]);
}

/** dy `[N, M, P]` times the transpose of `columns` `[N, K, P]`, summed over images: `[M, K]`. */
function productOverPixels(c: RuleContext, s: ConvShape, columns: Value, rows: number): Value {
  const pixels = s.rows * s.columns;
  const dy = c.reshape(c.dy, [s.n, s.m, pixels]);
  const transposed = c.transpose(c.reshape(columns, [s.n, rows, pixels]), [0, 2, 1]);
  return c.sum(c.op("MatMul", [dy, transposed]), [0], { keep: false });
}

/** Stride 1: one product for each place of the kernel, with x shifted; `[M, C·kH·kW]`. */
function byShifts(c: RuleContext, s: ConvShape): Value {
  const { pads, kernel } = s.window;
  const [top, left, bottom, right] = pads as [number, number, number, number];
  const [kh, kw] = kernel as [number, number];
  const padded = pads.some((p) => p !== 0) ? c.pad(c.x(), [0, 0, top, left, 0, 0, bottom, right]) : c.x();
  const places: Value[] = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const shifted =
        kh * kw === 1
          ? padded
          : c.slice(padded, { axes: [2, 3], starts: [i, j], ends: [i + s.rows, j + s.columns] });
      places.push(c.reshape(productOverPixels(c, s, shifted, s.c), [s.m, s.c, 1]));
    }
  return places.length === 1 ? (places[0] as Value) : c.op("Concat", places, { axis: int(2) });
}

/** Strided: a depthwise convolution with one-hot kernels lays every place of the kernel out as a channel. */
function byOneHotColumns(c: RuleContext, s: ConvShape): Value {
  const [kh, kw] = s.window.kernel as [number, number];
  const places = kh * kw;
  const oneHot = new Float32Array(s.c * places * places);
  for (let channel = 0; channel < s.c; channel++)
    for (let q = 0; q < places; q++) oneHot[(channel * places + q) * places + q] = 1;
  const kernels = c.b.constant({ dtype: "float32", dims: [s.c * places, 1, kh, kw], data: oneHot });
  const cast = c.dtype === "float32" ? kernels : c.cast(kernels, c.dtype);
  const columns = c.op("Conv", [c.x(), cast], { ...windowAttributes(s.window), group: int(s.c) });
  return productOverPixels(c, s, columns, s.c * places);
}

/** The general form: a convolution with the roles of batch and channels swapped. */
function swappedRoles(c: RuleContext, s: ConvShape): Value {
  const { window, groups } = s;
  const [kh, kw] = window.kernel;
  const perGroup = s.c / groups;
  // x [N, g·I, H, W] → [I, g·N, H, W]; dy [N, M, Ho, Wo] → [M, N, Ho, Wo]
  const x = c.reshape(
    c.transpose(c.reshape(c.x(), [s.n, groups, perGroup, s.height * s.width]), [2, 1, 0, 3]),
    [perGroup, groups * s.n, s.height, s.width],
  );
  const kernel = c.transpose(c.dy, [1, 0, 2, 3]);
  const full = c.op("Conv", [x, kernel], {
    ...windowAttributes({
      kernel: [s.rows, s.columns],
      strides: window.dilations,
      dilations: window.strides,
      pads: window.pads,
    }),
    group: int(groups),
  });
  const [, , gotH = 1, gotW = 1] = dimsOf(full);
  const exact = gotH === kh && gotW === kw ? full : c.slice(full, { axes: [2, 3], starts: [0, 0], ends: [kh, kw] });
  return c.transpose(exact, [1, 0, 2, 3]);
}
