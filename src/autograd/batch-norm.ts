import type { GraphBuilder, Value } from "../onnx/index.js";
import { Algebra, dimsOf } from "./algebra.js";
import { withGradient } from "./composite.js";

export interface BatchStatistics {
  /** Normalized, scaled and shifted, shape of the input. */
  y: Value;
  /** `[C]` of this batch */
  mean: Value;
  /** `[C]` of this batch, biased */
  variance: Value;
}

/**
 * Batch normalization with the statistics of the batch, over all axes but the second.
 * @param x `[N, C, …]`
 * @param scale, bias `[C]`
 * @see https://arxiv.org/abs/1502.03167
 */
export function batchNormTraining(
  b: GraphBuilder,
  x: Value,
  scale: Value,
  bias: Value,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): BatchStatistics {
  const f = new Algebra(b, x.dtype);
  const dims = dimsOf(x);
  const channels = dims[1] ?? 1;
  const count = dims.reduce((n, d) => n * d, 1) / channels;
  const axes = dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  const perChannel = dims.map((_, i) => (i === 1 ? channels : 1)).slice(1);
  const spread = (v: Value): Value => f.reshape(v, perChannel);
  const mean1 = (v: Value): Value => f.scale(f.sum(v, axes, { keep: false }), 1 / count);

  const mean = mean1(x);
  const square = mean1(f.mul(x, x));
  // rounding can make a constant channel's variance slightly negative
  const variance = f.op("Max", [f.sub(square, f.mul(mean, mean)), f.num(0)]);
  const inverse = f.op("Reciprocal", [f.op("Sqrt", [f.add(variance, f.num(epsilon))])]);
  const a = f.mul(scale, inverse);
  const c = f.sub(bias, f.mul(mean, a));
  const y = f.add(f.mul(x, spread(a)), spread(c));

  withGradient(y, [x, scale, bias], (g, dy) => {
    const sum = g.sum(dy, axes, { keep: false });
    // Σ dy·(x - mean)/σ
    const dScale = g.mul(inverse, g.sub(g.sum(g.mul(dy, x), axes, { keep: false }), g.mul(mean, sum)));
    return [
      // dx = a (dy + p·x + q), p = -dScale/(count σ), q = -Σdy/count - p·mean
      () => {
        const p = g.scale(g.mul(inverse, dScale), -1 / count);
        const q = g.sub(g.scale(sum, -1 / count), g.mul(p, mean));
        return g.mul(g.add(dy, g.add(g.mul(x, spread(p)), spread(q))), spread(a));
      },
      () => dScale,
      () => sum,
    ];
  });
  return { y, mean, variance };
}
