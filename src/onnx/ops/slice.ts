import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import type { KnownElements } from "./known.js";

interface SliceRange {
  starts: KnownElements;
  ends: KnownElements;
  axes: readonly number[];
  steps: readonly number[];
}

/** Ranges as attributes before opset 10, as inputs since; undefined when the axes are not known. */
function rangesOf(ctx: InferContext, rank: number): SliceRange | undefined {
  const { node } = ctx;
  const starts = node.ints("starts") ?? ctx.known(1);
  const ends = node.ints("ends") ?? ctx.known(2);
  const count = starts?.length ?? ends?.length;
  if (count === undefined) return undefined;
  const unknown = Array.from({ length: count }, () => undefined);
  const axes = node.ints("axes") ?? (ctx.has(3) ? ctx.numbers(3) : unknown.map((_, i) => i));
  const steps = ctx.has(4) ? ctx.numbers(4) : unknown.map(() => 1);
  if (!axes || !steps) return undefined;
  return {
    starts: starts ?? unknown,
    ends: ends ?? unknown,
    axes: axes.map((a) => ctx.axis(a, rank)),
    steps,
  };
}

/** First index and count of a slice of `n` elements, clamped as ONNX says. */
function clampRange(
  n: number,
  start: number,
  end: number,
  step: number,
): { first: number; count: number } {
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? n : n - 1;
  const clamp = (v: number) => Math.min(Math.max(v < 0 ? v + n : v, low), high);
  // an end before the first element stays there for negative steps
  const first =
    step > 0 ? clamp(start) : Math.min(Math.max(start < 0 ? start + n : start, 0), n - 1);
  const last = clamp(end);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

export function sliceDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  if (!x) return undefined;
  const range = rangesOf(ctx, x.length);
  if (!range) return x.map((_, i) => ctx.fresh(i));
  return x.map((d, axis): Dim => {
    const i = range.axes.indexOf(axis);
    if (i < 0) return d;
    const start = range.starts[i];
    const end = range.ends[i];
    const step = range.steps[i] ?? 1;
    if (step === 0) ctx.fail("a slice step of 0", { expected: "a step other than 0", actual: 0 });
    if (step === 1 && start === 0 && (end === d || (typeof end === "number" && end >= 2 ** 31 - 1)))
      return d;
    if (typeof d !== "number" || typeof start !== "number" || typeof end !== "number")
      return ctx.fresh(axis);
    return clampRange(d, start, end, step).count;
  });
}

/** The slice of a small known vector. */
export function sliceKnown(ctx: InferContext): KnownElements | undefined {
  const elements = ctx.known(0);
  if (!elements || ctx.dims(0)?.length !== 1) return undefined;
  const range = rangesOf(ctx, 1);
  const [start] = range?.starts ?? [];
  const [end] = range?.ends ?? [];
  if (!range || typeof start !== "number" || typeof end !== "number") return undefined;
  const step = range.steps[0] ?? 1;
  if (step === 0) return undefined;
  const { first, count } = clampRange(elements.length, start, end, step);
  return Array.from({ length: count }, (_, i) => elements[first + i * step]);
}
