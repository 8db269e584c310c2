import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";

/** `floor(length * scale)` per axis, the product in float32 as runtimes compute it. */
function scaledDims(ctx: InferContext, x: Dims, scales: readonly number[] | undefined): Dims {
  if (scales && scales.length !== x.length)
    ctx.fail("scales need one entry per axis", { expected: x.length, actual: scales.length });
  return x.map((d, i) => {
    const scale = scales?.[i];
    if (scale === 1) return d;
    return scale === undefined
      ? ctx.fresh(i)
      : ctx.map(d, i, (n) => Math.floor(Math.fround(n * scale)));
  });
}

function resizeDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  if (!x) return undefined;
  if (ctx.opset < 11) return scaledDims(ctx, x, ctx.numbers(1));
  const axes = ctx.node.ints("axes")?.map((a) => ctx.axis(a, x.length)) ?? [...x.keys()];
  const spread = <T>(values: readonly T[], fill: (axis: number) => T): T[] => {
    if (values.length !== axes.length)
      ctx.fail("one entry per resized axis is needed", {
        expected: axes.length,
        actual: values.length,
      });
    return x.map((_, i) => {
      const at = axes.indexOf(i);
      return at < 0 ? fill(i) : (values[at] ?? fill(i));
    });
  };
  if (ctx.has(3)) {
    const sizes = ctx.known(3);
    if (!sizes || ctx.node.string("keep_aspect_ratio_policy", "stretch") !== "stretch")
      return x.map((_, i) => ctx.fresh(i));
    return spread<Dim | undefined>(sizes, (i) => x[i]).map((d, i) => d ?? ctx.fresh(i));
  }
  const scales = ctx.numbers(2);
  return scales && scales.length > 0
    ? scaledDims(
        ctx,
        x,
        spread(scales, () => 1),
      )
    : x.map((_, i) => ctx.fresh(i));
}

/** Resampling. */
export const resizeOps: readonly OpSpec[] = [
  defineOp({
    op: "Resize",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), resizeDims(ctx));
    },
  }),
  defineOp({
    op: "Upsample",
    sinceOpset: 7,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      const attribute = node.attributes.get("scales");
      const scales = attribute?.type === "floats" ? attribute.value : ctx.numbers(1);
      ctx.set(0, ctx.dtype(0), x && scaledDims(ctx, x, scales));
    },
  }),
  defineOp({
    op: "GridSample",
    sinceOpset: 16,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      const grid = ctx.dims(1);
      ctx.set(0, ctx.dtype(0), x && grid && [...x.slice(0, 2), ...grid.slice(1, -1)]);
    },
  }),
];
