import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import { defineOp, MICROSOFT, type OpSpec } from "./spec.js";

/** NumPy's matmul of shapes: batch axes broadcast, vectors lose their added axis again. */
export function matmulDims(
  ctx: InferContext,
  a: Dims | undefined,
  b: Dims | undefined,
): Dims | undefined {
  if (!a || !b) return undefined;
  if (a.length === 0 || b.length === 0)
    ctx.fail("a scalar cannot be multiplied as a matrix", {
      expected: "rank 1 or more",
      actual: 0,
    });
  const left: Dims = a.length === 1 ? [1, ...a] : a;
  const right: Dims = b.length === 1 ? [...b, 1] : b;
  ctx.sameDim(left.at(-1), right.at(-2), "inner dimension");
  const out: Dim[] = [...ctx.broadcastDims([left.slice(0, -2), right.slice(0, -2)])];
  if (a.length > 1) out.push(left.at(-2) ?? 1);
  if (b.length > 1) out.push(right.at(-1) ?? 1);
  return out;
}

function swapped(dims: Dims | undefined, swap: boolean): Dims | undefined {
  if (!dims || !swap || dims.length < 2) return dims;
  return [...dims.slice(0, -2), dims.at(-1) ?? 1, dims.at(-2) ?? 1];
}

/** transBatch moves the first axis to the second last place before the product. */
function batchMoved(dims: Dims | undefined, move: boolean): Dims | undefined {
  const [first, ...rest] = dims ?? [];
  if (!dims || !move || first === undefined || dims.length < 3) return dims;
  return [...rest.slice(0, -1), first, rest.at(-1) ?? 1];
}

/** Matrix products. */
export const matmulOps: readonly OpSpec[] = [
  defineOp({
    op: "MatMul",
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(0, 1), matmulDims(ctx, ctx.dims(0), ctx.dims(1)));
    },
  }),
  defineOp({
    op: "FusedMatMul",
    domain: MICROSOFT,
    sinceOpset: 1,
    infer: (node, ctx) => {
      const side = (i: number, name: "A" | "B") =>
        swapped(
          batchMoved(ctx.dims(i), node.int(`transBatch${name}`, 0) === 1),
          node.int(`trans${name}`, 0) === 1,
        );
      ctx.set(0, ctx.sameDtype(0, 1), matmulDims(ctx, side(0, "A"), side(1, "B")));
    },
  }),
  defineOp({
    op: "Gemm",
    sinceOpset: 7,
    infer: (node, ctx) => {
      const a = swapped(ctx.rank(0, 2), node.int("transA", 0) === 1);
      const b = swapped(ctx.rank(1, 2), node.int("transB", 0) === 1);
      const dtype = ctx.sameDtype(0, 1, 2);
      if (!a || !b) {
        ctx.set(0, dtype, undefined);
        return;
      }
      ctx.sameDim(a[1], b[0], "inner dimension");
      const out = [a[0] ?? 1, b[1] ?? 1];
      const c = ctx.has(2) ? ctx.dims(2) : undefined;
      if (c) {
        const both = ctx.broadcastDims([out, c]);
        if (both.length !== 2)
          ctx.fail("the addend has more than two axes", {
            expected: "rank 2",
            actual: both.length,
          });
        out.forEach((d, i) => {
          ctx.sameDim(d, both[i], "addend");
        });
      }
      ctx.set(0, dtype, out);
    },
  }),
  defineOp({
    op: "MatMulInteger",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, "int32", matmulDims(ctx, ctx.dims(0), ctx.dims(1)));
    },
  }),
  defineOp({
    op: "QLinearMatMul",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(7), matmulDims(ctx, ctx.dims(0), ctx.dims(3)));
    },
  }),
  defineOp({
    op: "Einsum",
    sinceOpset: 12,
    infer: (node, ctx) => {
      ctx.set(0, ctx.sameDtype(...node.inputs.map((_, i) => i)), einsumDims(ctx));
    },
  }),
];

/** Plain index notation; an ellipsis leaves the shape unknown. */
function einsumDims(ctx: InferContext): Dims | undefined {
  const equation = ctx.node.string("equation", "").replaceAll(" ", "");
  if (equation === "" || equation.includes("...")) return undefined;
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  const sizes = new Map<string, Dim>();
  for (const [i, term] of terms.entries()) {
    const dims = ctx.dims(i);
    if (!dims) return undefined;
    if (dims.length !== term.length)
      ctx.fail(`term "${term}" of the equation against input ${String(i)}`, {
        expected: `rank ${String(term.length)}`,
        actual: dims.length,
      });
    dims.forEach((d, axis) => {
      const label = term[axis] ?? "";
      ctx.sameDim(sizes.get(label), d, `index "${label}"`);
      if (typeof sizes.get(label) !== "number") sizes.set(label, d);
    });
  }
  const once = [...sizes.keys()].filter((l) => left.split(l).length === 2).sort();
  return (right === undefined ? once : [...right]).map((label) => sizes.get(label) ?? 1);
}
