import { float, int, ints, withMeaning, type GraphBuilder, type Value } from "../onnx/index.js";
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

/** Maps of at least this many pixels sum their products faster as a convolution than as product and sum (CPU, measured). */
const DOT_BY_CONV_PIXELS = 512;

/**
 * Batch normalization with the statistics of the batch, over all axes but the second.
 * Writes ONNX's inference operator fed with the batch's statistics: one pass where the formula takes two. The same
 * operator, fed with other numbers, computes two of the three terms of the gradient.
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
  const total = (g: Algebra, v: Value): Value => g.sum(v, axes, { keep: false });
  const normalize = (g: Algebra, s: Value, t: Value): Value =>
    g.op("BatchNormalization", [x, s, t, mean, variance], { epsilon: float(epsilon) });

  const mean = f.scale(total(f, x), 1 / count);
  const square = f.scale(dot(f, x, x), 1 / count);
  // rounding can make a constant channel's variance slightly negative
  const variance = f.op("Max", [f.sub(square, f.mul(mean, mean)), f.num(0)]);
  const y = normalize(f, scale, bias);

  withGradient(y, [x, scale, bias], (g, dy) => {
    const inverse = g.op("Reciprocal", [g.op("Sqrt", [g.add(variance, g.num(epsilon))])]);
    const sum = total(g, dy);
    // Σ dy·(x - mean)/σ
    const dScale = g.mul(inverse, g.sub(dot(g, dy, x), g.mul(mean, sum)));
    return [
      // dx = a·(dy - Σdy/count - (x - mean)/σ · dScale/count), a = scale/σ
      () => {
        const a = g.mul(scale, inverse);
        const perCount = g.scale(a, -1 / count);
        const rest = normalize(g, g.mul(perCount, dScale), g.mul(perCount, sum));
        return g.add(g.mul(dy, g.reshape(a, [channels, ...dims.slice(2).map(() => 1)])), rest);
      },
      () => dScale,
      () => sum,
    ];
  });
  return { y, mean, variance };
}

/** Σ u·v per channel, `[C]`. Large maps: a grouped convolution of `u` with `v` as its kernels, one pass over both. */
function dot(f: Algebra, u: Value, v: Value): Value {
  return withMeaning(plainDot(f, u, v), { kind: "channel-dot", u, v });
}

function plainDot(f: Algebra, u: Value, v: Value): Value {
  const [n = 1, c = 1, ...size] = dimsOf(u);
  const pixels = size.reduce((p, d) => p * d, 1);
  if (size.length !== 2 || pixels < DOT_BY_CONV_PIXELS || f.dtype !== "float32")
    return f.sum(f.mul(u, v), [0, ...size.map((_, i) => i + 2)], { keep: false });
  const products = f.op(
    "Conv",
    [f.reshape(u, [1, n * c, ...size]), f.reshape(v, [n * c, 1, ...size])],
    {
      group: int(n * c),
      kernel_shape: ints(size),
    },
  );
  return f.sum(f.reshape(products, [n, c]), [0], { keep: false });
}
