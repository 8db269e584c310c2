import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";
import { defineOp, type OpSpec } from "./spec.js";
import { sliceDims, sliceKnown } from "./slice.js";

function concatDims(ctx: InferContext): Dims | undefined {
  const shapes = ctx.node.inputs.map((_, i) => ctx.dims(i));
  const first = shapes.find((s) => s !== undefined);
  if (!first) return undefined;
  const at = ctx.axis(ctx.node.int("axis", 1), first.length);
  const out: Dim[] = [...first];
  let sum: Dim | undefined = 0;
  for (const shape of shapes) {
    if (shape === undefined) {
      sum = undefined;
      continue;
    }
    if (shape.length !== first.length)
      ctx.fail("inputs of Concat have different ranks", {
        expected: `rank ${String(first.length)}`,
        actual: shape.length,
      });
    shape.forEach((d, i) => {
      if (i === at) return;
      ctx.sameDim(out[i], d, `axis ${String(i)} of the concatenated inputs`);
      if (typeof d === "number") out[i] = d;
    });
    const d: Dim | undefined = shape[at];
    sum = typeof d === "number" && typeof sum === "number" ? sum + d : undefined;
  }
  out[at] = shapes.length === 1 ? (first[at] ?? 1) : (sum ?? ctx.fresh(at));
  return out;
}

function splitInfer(ctx: InferContext): void {
  const { node } = ctx;
  const x = ctx.dims(0);
  if (!x) {
    node.outputs.forEach((_, i) => {
      ctx.set(i, ctx.dtype(0), undefined);
    });
    return;
  }
  const axis = ctx.axis(node.int("axis", 0), x.length);
  const lengths = node.ints("split") ?? ctx.numbers(1);
  const whole = x[axis];
  const parts = node.int("num_outputs", node.outputs.length);
  if (lengths && lengths.length !== node.outputs.length)
    ctx.fail("as many lengths as outputs are needed", {
      expected: node.outputs.length,
      actual: lengths.length,
    });
  if (lengths)
    ctx.sameDim(
      whole,
      lengths.reduce((a, b) => a + b, 0),
      `sum of the split lengths on axis ${String(axis)}`,
    );
  const chunk = typeof whole === "number" ? Math.ceil(whole / parts) : undefined;
  node.outputs.forEach((_, i) => {
    const even =
      chunk === undefined || typeof whole !== "number"
        ? ctx.fresh(axis, i)
        : Math.min(chunk, whole - chunk * i);
    const length = lengths?.[i] ?? (ctx.has(1) ? ctx.fresh(axis, i) : even);
    ctx.set(
      i,
      ctx.dtype(0),
      x.map((d, j) => (j === axis ? length : d)),
    );
  });
}

function padDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  if (!x) return undefined;
  const pads = ctx.node.ints("pads") ?? ctx.numbers(1);
  const axesGiven = ctx.has(3) ? ctx.numbers(3)?.map((a) => ctx.axis(a, x.length)) : [...x.keys()];
  if (!pads || !axesGiven) return x.map((_, i) => ctx.fresh(i));
  if (pads.length !== 2 * axesGiven.length)
    ctx.fail("pads need a begin and an end per axis", {
      expected: 2 * axesGiven.length,
      actual: pads.length,
    });
  return x.map((d, i) => {
    const at = axesGiven.indexOf(i);
    const added = at < 0 ? 0 : (pads[at] ?? 0) + (pads[at + axesGiven.length] ?? 0);
    return added === 0 ? d : ctx.map(d, i, (n) => n + added);
  });
}

function expandDims(ctx: InferContext): Dims | undefined {
  const x = ctx.dims(0);
  const target = ctx.known(1);
  const [length] = ctx.dims(1) ?? [];
  if (!x) return undefined;
  if (!target) {
    if (typeof length !== "number") return undefined;
    return Array.from({ length: Math.max(length, x.length) }, (_, i) => ctx.fresh(i));
  }
  const offset = Math.max(x.length - target.length, 0);
  return ctx.broadcastDims([x, target.map((d, i) => d ?? ctx.fresh(i + offset))]);
}

/** `[N, C, H, W]` with the block moved between channels and space. */
function blockMoved(op: "DepthToSpace" | "SpaceToDepth"): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (node, ctx) => {
      const x = ctx.rank(0, 4);
      const block = node.int("blocksize", 1);
      const toSpace = op === "DepthToSpace";
      const divide = (d: Dim | undefined, axis: number, by: number) =>
        ctx.map(d, axis, (n) => {
          if (n % by !== 0)
            ctx.fail(`axis ${String(axis)} is not a multiple of ${String(by)}`, {
              expected: `a multiple of ${String(by)}`,
              actual: n,
            });
          return n / by;
        });
      const multiply = (d: Dim | undefined, axis: number, by: number) =>
        ctx.map(d, axis, (n) => n * by);
      ctx.set(
        0,
        ctx.dtype(0),
        x && [
          x[0] ?? 1,
          toSpace ? divide(x[1], 1, block * block) : multiply(x[1], 1, block * block),
          ...[2, 3].map((a) => (toSpace ? multiply(x[a], a, block) : divide(x[a], a, block))),
        ],
      );
    },
  });
}

/** Ops that move, cut, repeat or pad elements. */
export const movementOps: readonly OpSpec[] = [
  defineOp({
    op: "Transpose",
    sinceOpset: 1,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      const perm = node.ints("perm") ?? (x && [...x.keys()].reverse());
      if (
        x &&
        perm &&
        (perm.length !== x.length ||
          new Set(perm).size !== x.length ||
          perm.some((p) => x[p] === undefined))
      )
        ctx.fail(`perm [${perm.join(", ")}] does not permute the axes`, {
          expected: `a permutation of ${String(x.length)} axes`,
          actual: perm.join(", "),
        });
      ctx.set(0, ctx.dtype(0), x && perm?.map((p) => x[p] ?? 1));
    },
  }),
  defineOp({
    op: "Concat",
    sinceOpset: 4,
    infer: (node, ctx) => {
      ctx.set(0, ctx.sameDtype(...node.inputs.map((_, i) => i)), concatDims(ctx));
      const parts = node.inputs.map((_, i) =>
        ctx.dims(i)?.length === 1 ? (ctx.known(i) ?? unknownElements(ctx.dims(i))) : undefined,
      );
      ctx.setKnown(parts.every((p) => p !== undefined) ? parts.flat() : undefined);
    },
  }),
  defineOp({
    op: "Split",
    sinceOpset: 2,
    infer: (_, ctx) => {
      splitInfer(ctx);
    },
  }),
  defineOp({
    op: "Slice",
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), sliceDims(ctx));
      ctx.setKnown(sliceKnown(ctx));
    },
  }),
  defineOp({
    op: "Pad",
    sinceOpset: 2,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), padDims(ctx));
    },
  }),
  defineOp({
    op: "Tile",
    sinceOpset: 6,
    infer: (_, ctx) => {
      const repeats = ctx.numbers(1);
      const x = ctx.dims(0);
      if (x && repeats && repeats.length !== x.length)
        ctx.fail("repeats need one entry per axis", { expected: x.length, actual: repeats.length });
      ctx.set(
        0,
        ctx.dtype(0),
        x?.map((d, i) =>
          repeats
            ? repeats[i] === 1
              ? d
              : ctx.map(d, i, (n) => n * (repeats[i] ?? 1))
            : ctx.fresh(i),
        ),
      );
    },
  }),
  defineOp({
    op: "Expand",
    sinceOpset: 8,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), expandDims(ctx));
    },
  }),
  blockMoved("DepthToSpace"),
  blockMoved("SpaceToDepth"),
  defineOp({
    op: "ReverseSequence",
    sinceOpset: 10,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), ctx.dims(0));
    },
  }),
];

function unknownElements(dims: Dims | undefined): readonly undefined[] | undefined {
  const n = dims?.[0];
  return typeof n === "number" ? Array.from({ length: n }, () => undefined) : undefined;
}
