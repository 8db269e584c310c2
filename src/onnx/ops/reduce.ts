import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";

/** Shape after reducing `axes`; all axes when none are given, unless `noop`. */
function reducedDims(
  ctx: InferContext,
  axes: readonly number[] | undefined,
  { noop }: { noop: boolean },
): Dims | undefined {
  const x = ctx.dims(0);
  if (!x) return undefined;
  const keep = ctx.node.int("keepdims", 1) === 1;
  const given = axes && axes.length > 0 ? axes : undefined;
  if (!given && noop) return x;
  const gone = new Set(given ? given.map((a) => ctx.axis(a, x.length)) : x.keys());
  return keep ? x.map((d, i) => (gone.has(i) ? 1 : d)) : x.filter((_, i) => !gone.has(i));
}

/** Axes came as an attribute before `axesInputSince` and come as input 1 from then on. */
function reduce(op: string, axesInputSince: number): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (node, ctx) => {
      const dtype = ctx.dtype(0);
      const attribute = node.ints("axes");
      if (ctx.opset >= axesInputSince && attribute)
        ctx.fail(
          `attribute axes is gone since opset ${String(axesInputSince)}; pass the axes as input 1`,
          { expected: "input 1", actual: "attribute axes" },
        );
      if (ctx.opset < axesInputSince && ctx.has(1))
        ctx.fail(`axes are an attribute before opset ${String(axesInputSince)}`, {
          expected: "attribute axes",
          actual: "input 1",
        });
      const noop = node.int("noop_with_empty_axes", 0) === 1;
      if (!ctx.has(1)) {
        ctx.set(0, dtype, reducedDims(ctx, attribute, { noop }));
      } else {
        const axes = ctx.numbers(1);
        if (axes) ctx.set(0, dtype, reducedDims(ctx, axes, { noop }));
        else {
          const keep = node.int("keepdims", 1) === 1;
          ctx.set(0, dtype, keep ? ctx.dims(0)?.map((_, i) => ctx.fresh(i)) : undefined);
        }
      }
      if (op === "ReduceProd") {
        const numbers = ctx.numbers(0);
        if (numbers) ctx.setKnown([numbers.reduce((a, b) => a * b, 1)]);
      }
    },
  });
}

function argReduce(op: string): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (node, ctx) => {
      ctx.set(0, "int64", reducedDims(ctx, [node.int("axis", 0)], { noop: false }));
    },
  });
}

/** Reductions; see https://onnx.ai/onnx/operators/onnx__ReduceSum.html for the two forms of axes. */
export const reduceOps: readonly OpSpec[] = [
  reduce("ReduceSum", 13),
  ...["Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"].map((name) =>
    reduce(`Reduce${name}`, 18),
  ),
  argReduce("ArgMax"),
  argReduce("ArgMin"),
];
