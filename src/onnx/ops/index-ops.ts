import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";

function gatherInfer(ctx: InferContext): void {
  const x = ctx.dims(0);
  const indices = ctx.dims(1);
  if (!x || !indices) {
    ctx.set(0, ctx.dtype(0), undefined);
    return;
  }
  const axis = ctx.axis(ctx.node.int("axis", 0), x.length);
  const picked = ctx.numbers(1);
  const length = x[axis];
  if (typeof length === "number")
    for (const i of picked ?? [])
      if (i < -length || i >= length)
        ctx.fail(`index ${String(i)} on axis ${String(axis)}`, {
          expected: `below ${String(length)}`,
          actual: i,
        });
  ctx.set(0, ctx.dtype(0), [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)]);
  const elements = ctx.known(0);
  if (elements && picked && x.length === 1)
    ctx.setKnown(picked.map((i) => elements[i < 0 ? i + elements.length : i]));
}

function gatherNdDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  const indices = ctx.dims(1);
  const depth = indices?.at(-1);
  if (!x || !indices || typeof depth !== "number") return undefined;
  const batch = ctx.node.int("batch_dims", 0);
  return [...indices.slice(0, -1), ...x.slice(batch + depth)];
}

/** Output with the shape of the data; updates checked only for rank. */
function scatter(op: string, sinceOpset: number): OpSpec {
  return defineOp({
    op,
    sinceOpset,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(0, 2), ctx.dims(0));
    },
  });
}

/** Gathering, scattering, selecting. */
export const indexOps: readonly OpSpec[] = [
  defineOp({
    op: "Gather",
    sinceOpset: 1,
    infer: (_, ctx) => {
      gatherInfer(ctx);
    },
  }),
  defineOp({
    op: "GatherElements",
    sinceOpset: 11,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      const indices = ctx.dims(1);
      if (x && indices && x.length !== indices.length)
        ctx.fail("data and indices need the same rank", {
          expected: `rank ${String(x.length)}`,
          actual: indices.length,
        });
      ctx.set(0, ctx.dtype(0), indices);
    },
  }),
  defineOp({
    op: "GatherND",
    sinceOpset: 11,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), gatherNdDims(ctx));
    },
  }),
  scatter("ScatterElements", 11),
  scatter("ScatterND", 11),
  defineOp({
    op: "OneHot",
    sinceOpset: 9,
    infer: (node, ctx) => {
      const indices = ctx.dims(0);
      const [depth] = ctx.known(1) ?? [];
      if (!indices) {
        ctx.set(0, ctx.dtype(2), undefined);
        return;
      }
      const axis = ctx.axis(node.int("axis", -1), indices.length + 1);
      ctx.set(0, ctx.dtype(2), [
        ...indices.slice(0, axis),
        depth ?? ctx.fresh(axis),
        ...indices.slice(axis),
      ]);
    },
  }),
  defineOp({
    op: "TopK",
    sinceOpset: 1,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      const k = ctx.has(1) ? ctx.known(1)?.[0] : node.int("k", 1);
      const axis = x ? ctx.axis(node.int("axis", -1), x.length) : 0;
      const whole = x?.[axis];
      if (typeof k === "number" && typeof whole === "number" && k > whole)
        ctx.fail(`k is larger than axis ${String(axis)}`, {
          expected: `at most ${String(whole)}`,
          actual: k,
        });
      ctx.set(
        0,
        ctx.dtype(0),
        x?.map((d, i) => (i === axis ? (k ?? ctx.fresh(axis)) : d)),
      );
      ctx.set(1, "int64", node.outputs[0]?.dims);
    },
  }),
  defineOp({
    op: "NonZero",
    sinceOpset: 9,
    infer: (_, ctx) => {
      ctx.set(0, "int64", [ctx.dims(0)?.length ?? ctx.fresh(0), ctx.fresh(1)]);
    },
  }),
  defineOp({
    op: "NonMaxSuppression",
    sinceOpset: 10,
    infer: (_, ctx) => {
      const boxes = ctx.rank(0, 3);
      const scores = ctx.rank(1, 3);
      ctx.sameDim(boxes?.[1], scores?.[2], "number of boxes in the scores");
      ctx.set(0, "int64", [ctx.fresh(0), 3]);
    },
  }),
  defineOp({
    op: "RoiAlign",
    sinceOpset: 10,
    infer: (node, ctx) => {
      const x = ctx.rank(0, 4);
      const rois = ctx.rank(1, 2);
      ctx.set(0, ctx.dtype(0), [
        rois?.[0] ?? ctx.fresh(0),
        x?.[1] ?? ctx.fresh(1),
        node.int("output_height", 1),
        node.int("output_width", 1),
      ]);
    },
  }),
];
