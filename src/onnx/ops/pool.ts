import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";
import { readWindow, windowLength } from "./window.js";

function poolDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  if (!x) return undefined;
  if (x.length < 3)
    ctx.fail("pooling needs [N, C, spatial…]", { expected: "rank 3 or more", actual: x.length });
  const window = readWindow(ctx, x.length - 2);
  const ceil = ctx.node.int("ceil_mode", 0) === 1;
  return [...x.slice(0, 2), ...x.slice(2).map((d, i) => windowLength(ctx, d, window, i, { ceil }))];
}

function globalPool(op: string): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      ctx.set(0, ctx.dtype(0), x && x.map((d, i) => (i < 2 ? d : 1)));
    },
  });
}

/** Pooling. Data `[N, C, spatial…]`; MaxPool's second output holds int64 indices. */
export const poolOps: readonly OpSpec[] = [
  defineOp({
    op: "MaxPool",
    sinceOpset: 1,
    infer: (_, ctx) => {
      const dims = poolDims(ctx);
      ctx.set(0, ctx.dtype(0), dims);
      ctx.set(1, "int64", dims);
    },
  }),
  ...["AveragePool", "LpPool"].map((op) =>
    defineOp({
      op,
      sinceOpset: 1,
      infer: (_, ctx) => {
        ctx.set(0, ctx.dtype(0), poolDims(ctx));
      },
    }),
  ),
  globalPool("GlobalAveragePool"),
  globalPool("GlobalMaxPool"),
  globalPool("GlobalLpPool"),
];
