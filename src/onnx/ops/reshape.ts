import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";

/** Number of elements as a factor and the symbols multiplied in, sorted. */
function volume(dims: Dims): { factor: number; symbols: string[] } {
  let factor = 1;
  const symbols: string[] = [];
  for (const d of dims) {
    if (typeof d === "number") factor *= d;
    else symbols.push(d);
  }
  return { factor, symbols: symbols.sort() };
}

/** What is left of `whole` when `part` is divided out; undefined when symbols do not cancel. */
function quotient(whole: Dims, part: Dims): Dim | undefined {
  const w = volume(whole);
  const p = volume(part);
  const rest = [...w.symbols];
  for (const s of p.symbols) {
    const at = rest.indexOf(s);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  if (p.factor === 0) return undefined;
  const factor = w.factor / p.factor;
  if (rest.length === 0) return factor;
  return rest.length === 1 && factor === 1 ? rest[0] : undefined;
}

/** Target entries: 0 copies (unless allowzero), -1 is what remains. */
function reshapedDims(ctx: InferContext, target: readonly (Dim | undefined)[]): Dims {
  const x = ctx.dims(0);
  const allowZero = ctx.node.int("allowzero", 0) === 1;
  let open = -1;
  const out = target.map((t, i): Dim => {
    if (t === -1) {
      if (open >= 0)
        ctx.fail("the target shape holds -1 twice", {
          expected: "one -1",
          actual: target.join(", "),
        });
      open = i;
      return 1;
    }
    if (t === 0 && !allowZero) {
      if (x && i >= x.length)
        ctx.fail(`0 at place ${String(i)} copies a dimension the input lacks`, {
          expected: `rank above ${String(i)}`,
          actual: x.length,
        });
      return x?.[i] ?? ctx.fresh(i);
    }
    return t ?? ctx.fresh(i);
  });
  if (!x) return out.map((d, i) => (i === open ? ctx.fresh(i) : d));
  if (open >= 0) {
    const rest = quotient(
      x,
      out.filter((_, i) => i !== open),
    );
    if (typeof rest === "number" && !Number.isInteger(rest))
      ctx.fail(`[${x.join(", ")}] does not divide into [${target.join(", ")}]`, {
        expected: `a multiple of ${String(volume(out).factor)} elements`,
        actual: volume(x).factor,
      });
    out[open] = rest ?? ctx.fresh(open);
    return out;
  }
  const before = volume(x);
  const after = volume(out);
  if (before.symbols.length === 0 && after.symbols.length === 0 && before.factor !== after.factor)
    ctx.fail(`[${x.join(", ")}] cannot become [${out.join(", ")}]`, {
      expected: `${String(before.factor)} elements`,
      actual: after.factor,
    });
  return out;
}

/** Axes as attribute before opset 13, as input 1 since. */
function axesOf(ctx: InferContext): readonly number[] | undefined {
  return ctx.node.ints("axes") ?? ctx.numbers(1);
}

/** Ops that change the shape and keep the elements in order. */
export const reshapeOps: readonly OpSpec[] = [
  defineOp({
    op: "Reshape",
    sinceOpset: 5,
    infer: (_, ctx) => {
      const target = ctx.known(1);
      if (target) {
        ctx.set(0, ctx.dtype(0), reshapedDims(ctx, target));
        if (target.length <= 1) ctx.setKnown(ctx.known(0));
        return;
      }
      const [length] = ctx.dims(1) ?? [];
      ctx.set(
        0,
        ctx.dtype(0),
        typeof length === "number" ? Array.from({ length }, (_, i) => ctx.fresh(i)) : undefined,
      );
    },
  }),
  defineOp({
    op: "Flatten",
    sinceOpset: 1,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      if (!x) {
        ctx.set(
          0,
          ctx.dtype(0),
          ["", ""].map((_, i) => ctx.fresh(i)),
        );
        return;
      }
      const given = node.int("axis", 1);
      const axis = given === x.length ? given : ctx.axis(given, Math.max(1, x.length));
      ctx.set(0, ctx.dtype(0), [
        quotient(x.slice(0, axis), []) ?? ctx.fresh(0),
        quotient(x.slice(axis), []) ?? ctx.fresh(1),
      ]);
    },
  }),
  defineOp({
    op: "Squeeze",
    sinceOpset: 1,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      const axes = axesOf(ctx);
      ctx.setKnown(ctx.known(0));
      if (!x || (!axes && ctx.has(1)) || (!axes && x.some((d) => typeof d !== "number"))) {
        ctx.set(0, ctx.dtype(0), undefined);
        return;
      }
      const gone = new Set(
        axes ? axes.map((a) => ctx.axis(a, x.length)) : [...x.keys()].filter((i) => x[i] === 1),
      );
      for (const i of gone) ctx.sameDim(1, x[i], `squeezed axis ${String(i)}`);
      ctx.set(
        0,
        ctx.dtype(0),
        x.filter((_, i) => !gone.has(i)),
      );
    },
  }),
  defineOp({
    op: "Unsqueeze",
    sinceOpset: 1,
    infer: (_, ctx) => {
      const x = ctx.dims(0);
      const axes = axesOf(ctx);
      if (x?.length === 0) ctx.setKnown(ctx.known(0));
      if (!x || !axes) {
        ctx.set(0, ctx.dtype(0), undefined);
        return;
      }
      const rank = x.length + axes.length;
      const added = new Set(axes.map((a) => ctx.axis(a, rank)));
      if (added.size !== axes.length)
        ctx.fail("an axis is named twice", { expected: "distinct axes", actual: axes.join(", ") });
      const rest = [...x];
      ctx.set(
        0,
        ctx.dtype(0),
        Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? 1))),
      );
    },
  }),
  defineOp({
    op: "Identity",
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), ctx.dims(0));
      ctx.setKnown(ctx.known(0));
    },
  }),
  defineOp({
    op: "Dropout",
    sinceOpset: 7,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), ctx.dims(0));
      ctx.set(1, ctx.opset >= 10 ? "bool" : ctx.dtype(0), ctx.dims(0));
    },
  }),
];
