import { defineOp, type OpSpec } from "./spec.js";
import { sameAsInput } from "./elementwise-unary.js";

/** Normalizations; the data keeps its shape. */
export const normalizationOps: readonly OpSpec[] = [
  defineOp({
    op: "BatchNormalization",
    sinceOpset: 7,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      const channels = x?.[1];
      for (let i = 1; i <= 4; i++)
        ctx.sameDim(
          channels,
          ctx.rank(i, 1)?.[0],
          `length of input ${String(i)} against the channels`,
        );
      ctx.set(0, ctx.dtype(0), x);
      // running statistics (training mode), or the saved ones of opset 7 and 9
      for (let i = 1; i < node.outputs.length; i++) ctx.set(i, ctx.dtype(3), ctx.dims(3));
    },
  }),
  defineOp({
    op: "InstanceNormalization",
    sinceOpset: 6,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      for (const i of [1, 2])
        ctx.sameDim(
          x?.[1],
          ctx.rank(i, 1)?.[0],
          `length of input ${String(i)} against the channels`,
        );
      ctx.set(0, ctx.dtype(0), x);
    },
  }),
  defineOp({
    op: "LayerNormalization",
    sinceOpset: 17,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      ctx.set(0, ctx.dtype(0), x);
      if (!x) return;
      const axis = ctx.axis(node.int("axis", -1), x.length);
      const reduced = x.map((d, i) => (i < axis ? d : 1));
      ctx.set(1, "float32", reduced);
      ctx.set(2, "float32", reduced);
    },
  }),
  sameAsInput("GroupNormalization", 18),
  sameAsInput("LRN"),
  sameAsInput("LpNormalization"),
  sameAsInput("MeanVarianceNormalization", 9),
];
