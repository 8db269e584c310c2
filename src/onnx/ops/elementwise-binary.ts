import type { InferContext } from "./context.js";
import type { KnownElements } from "./known.js";
import { defineOp, type OpSpec } from "./spec.js";

/** Combines two small known contents, one of which may be a single element. */
function combine(
  ctx: InferContext,
  f: (a: number, b: number) => number | undefined,
): KnownElements | undefined {
  const a = ctx.known(0);
  const b = ctx.known(1);
  if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  const single = ctx.dtype(0) === "float32";
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const x = a[a.length === 1 ? 0 : i];
    const y = b[b.length === 1 ? 0 : i];
    if (typeof x !== "number" || typeof y !== "number") return undefined;
    const result = f(x, y);
    return result !== undefined && single ? Math.fround(result) : result;
  });
}

function arithmetic(
  op: string,
  sinceOpset: number,
  f?: (a: number, b: number, ctx: InferContext) => number,
): OpSpec {
  return defineOp({
    op,
    sinceOpset,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(0, 1), ctx.broadcast(0, 1));
      if (!f) return;
      const one = neutralSide(op, ctx);
      ctx.setKnown(one ?? combine(ctx, (a, b) => f(a, b, ctx)));
    },
  });
}

/** `x * 1`, `x / 1`, `x + 0`, `x - 0` keep symbols. */
function neutralSide(op: string, ctx: InferContext): KnownElements | undefined {
  const neutral = op === "Mul" || op === "Div" ? 1 : op === "Add" || op === "Sub" ? 0 : undefined;
  const b = ctx.known(1);
  const a = ctx.known(0);
  if (neutral === undefined || !a || !b || b.length > a.length || !b.every((e) => e === neutral))
    return undefined;
  return a;
}

function comparison(op: string, sinceOpset: number, f?: (a: number, b: number) => boolean): OpSpec {
  return defineOp({
    op,
    sinceOpset,
    infer: (_, ctx) => {
      ctx.sameDtype(0, 1);
      ctx.set(0, "bool", ctx.broadcast(0, 1));
      if (f) ctx.setKnown(combine(ctx, (a, b) => Number(f(a, b))));
    },
  });
}

/** Sum, Mean, Min, Max: any number of inputs. */
function variadic(op: string, sinceOpset: number, f?: (...xs: number[]) => number): OpSpec {
  return defineOp({
    op,
    sinceOpset,
    infer: (node, ctx) => {
      const all = node.inputs.map((_, i) => i);
      ctx.set(0, ctx.sameDtype(...all), ctx.broadcast(...all));
      if (f && all.length === 2) ctx.setKnown(combine(ctx, f));
    },
  });
}

/** Elementwise functions of several tensors, with NumPy broadcasting; comparisons and logic give bool. */
export const elementwiseBinaryOps: readonly OpSpec[] = [
  arithmetic("Add", 7, (a, b) => a + b),
  arithmetic("Sub", 7, (a, b) => a - b),
  arithmetic("Mul", 7, (a, b) => a * b),
  arithmetic("Div", 7, (a, b, ctx) => (isFloating(ctx) ? a / b : Math.trunc(a / b))),
  arithmetic("Mod", 10, (a, b, ctx) =>
    ctx.node.int("fmod", 0) ? a % b : a - b * Math.floor(a / b),
  ),
  defineOp({
    op: "Pow",
    sinceOpset: 7,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), ctx.broadcast(0, 1));
      ctx.setKnown(combine(ctx, Math.pow));
    },
  }),
  defineOp({
    op: "PRelu",
    sinceOpset: 7,
    infer: (_, ctx) => {
      ctx.broadcast(0, 1);
      ctx.set(0, ctx.sameDtype(0, 1), ctx.dims(0));
    },
  }),
  arithmetic("BitShift", 11),
  ...["BitwiseAnd", "BitwiseOr", "BitwiseXor"].map((op) => arithmetic(op, 18)),
  variadic("Sum", 6, (a, b) => (a ?? 0) + (b ?? 0)),
  variadic("Mean", 6),
  variadic("Min", 6, Math.min),
  variadic("Max", 6, Math.max),
  comparison("Equal", 7, (a, b) => a === b),
  comparison("Less", 7, (a, b) => a < b),
  comparison("Greater", 7, (a, b) => a > b),
  comparison("LessOrEqual", 12, (a, b) => a <= b),
  comparison("GreaterOrEqual", 12, (a, b) => a >= b),
  comparison("And", 7, (a, b) => a !== 0 && b !== 0),
  comparison("Or", 7, (a, b) => a !== 0 || b !== 0),
  comparison("Xor", 7, (a, b) => (a !== 0) !== (b !== 0)),
  defineOp({
    op: "Where",
    sinceOpset: 9,
    infer: (_, ctx) => {
      ctx.set(0, ctx.sameDtype(1, 2), ctx.broadcast(0, 1, 2));
      ctx.setKnown(selectKnown(ctx));
    },
  }),
];

function selectKnown(ctx: InferContext): KnownElements | undefined {
  const c = ctx.known(0);
  const x = ctx.known(1);
  const y = ctx.known(2);
  if (!c || !x || !y) return undefined;
  const n = Math.max(c.length, x.length, y.length);
  if (![c, x, y].every((v) => v.length === n || v.length === 1)) return undefined;
  const at = (v: KnownElements, i: number) => v[v.length === 1 ? 0 : i];
  return Array.from({ length: n }, (_, i) => {
    const chosen = at(c, i);
    return chosen === undefined ? undefined : at(chosen ? x : y, i);
  });
}

function isFloating(ctx: InferContext): boolean {
  return ctx.dtype(0)?.startsWith("float") ?? false;
}
