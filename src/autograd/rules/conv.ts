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

/** Correlates x with dy over images and pixels: a convolution with the roles of batch and channels swapped. */
function weightGradient(c: RuleContext, s: ConvShape): Value {
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
