import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import { defineOp, MICROSOFT, type OpSpec } from "./spec.js";
import { readWindow, windowLength } from "./window.js";

/** `[N, C, …]` and `[M, C / group, k…]` → `[N, M, …]`. */
export function convDims(
  ctx: InferContext,
  x: Dims | undefined,
  w: Dims | undefined,
): Dims | undefined {
  if (!x || !w) return undefined;
  if (x.length < 3 || x.length !== w.length)
    ctx.fail("input and weight need the same rank, at least 3", {
      expected: `weight of rank ${String(x.length)}`,
      actual: `rank ${String(w.length)}`,
    });
  const group = ctx.node.int("group", 1);
  if (typeof w[1] === "number")
    ctx.sameDim(w[1] * group, x[1], `input channels (group ${String(group)})`);
  if (typeof w[0] === "number" && w[0] % group !== 0)
    ctx.fail(`${String(w[0])} output channels do not divide into ${String(group)} groups`, {
      expected: `a multiple of ${String(group)}`,
      actual: w[0],
    });
  const window = readWindow(ctx, x.length - 2, w);
  return [
    x[0] ?? 1,
    w[0] ?? ctx.fresh(1),
    ...x.slice(2).map((d, i) => windowLength(ctx, d, window, i)),
  ];
}

function checkBias(ctx: InferContext, index: number, channels: Dim | undefined): void {
  if (!ctx.has(index)) return;
  ctx.sameDim(channels, ctx.rank(index, 1)?.[0], "bias length");
}

function convTransposeDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  const w = ctx.dims(1);
  if (!x || !w) return undefined;
  if (x.length < 3 || x.length !== w.length)
    ctx.fail("input and weight need the same rank, at least 3", {
      expected: `weight of rank ${String(x.length)}`,
      actual: `rank ${String(w.length)}`,
    });
  ctx.sameDim(w[0], x[1], "input channels");
  const rank = x.length - 2;
  const window = readWindow(ctx, rank, w);
  const outputPadding = ctx.node.ints("output_padding") ?? [];
  const outputShape = ctx.node.ints("output_shape");
  const spatial = x.slice(2).map((d, i): Dim => {
    const explicit = outputShape?.[outputShape.length - rank + i];
    if (explicit !== undefined) return explicit;
    const kernel = window.kernel[i];
    if (kernel === undefined) return ctx.fresh(i + 2);
    const stride = window.strides[i] ?? 1;
    const extent = (kernel - 1) * (window.dilations[i] ?? 1) + 1;
    const pads =
      window.autoPad === "VALID" ? 0 : (window.pads[i] ?? 0) + (window.pads[i + rank] ?? 0);
    return ctx.map(d, i + 2, (n) =>
      window.autoPad.startsWith("SAME")
        ? n * stride
        : stride * (n - 1) + (outputPadding[i] ?? 0) + extent - pads,
    );
  });
  const channels = ctx.map(w[1], 1, (m) => m * ctx.node.int("group", 1));
  checkBias(ctx, 2, channels);
  return [x[0] ?? 1, channels, ...spatial];
}

/** Convolutions. Data `[N, C, spatial…]`. */
export const convOps: readonly OpSpec[] = [
  defineOp({
    op: "Conv",
    sinceOpset: 1,
    infer: (_, ctx) => {
      const dims = convDims(ctx, ctx.dims(0), ctx.dims(1));
      checkBias(ctx, 2, ctx.dims(1)?.[0]);
      ctx.set(0, ctx.sameDtype(0, 1, 2), dims);
    },
  }),
  defineOp({
    op: "FusedConv",
    domain: MICROSOFT,
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(0, 1, 2), convDims(ctx, ctx.dims(0), ctx.dims(1)));
    },
  }),
  defineOp({
    op: "ConvTranspose",
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(0, 1, 2), convTransposeDims(ctx));
    },
  }),
  defineOp({
    op: "ConvInteger",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, "int32", convDims(ctx, ctx.dims(0), ctx.dims(1)));
    },
  }),
  defineOp({
    op: "QLinearConv",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(7), convDims(ctx, ctx.dims(0), ctx.dims(3)));
    },
  }),
];
