import type { TensorHistogram } from "./histogram.kernel.js";

/** An integer grid: real = scale · (q - zeroPoint), q in [low, high]. */
export interface Grid {
  scale: number;
  zeroPoint: number;
  low: number;
  high: number;
}

/** Bins that hold anything, as value and weight. */
interface Points {
  values: Float64Array;
  weights: Float64Array;
}

function points(h: TensorHistogram): Points {
  const filled: number[] = [];
  h.counts.forEach((count, i) => {
    if (count > 0) filled.push(i);
  });
  return {
    values: Float64Array.from(filled, (i) => Math.min(h.max, Math.max(h.min, h.center(i)))),
    weights: Float64Array.from(filled, (i) => h.counts[i]!),
  };
}

function squaredError({ values, weights }: Points, { scale, zeroPoint, low, high }: Grid): number {
  const inverse = 1 / scale;
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    let q = Math.round(x * inverse) + zeroPoint;
    if (q < low) q = low;
    else if (q > high) q = high;
    const d = x - (q - zeroPoint) * scale;
    error += weights[i]! * d * d;
  }
  return error;
}

/** Squared error, summed over a tensor's values, of rounding them to a grid. */
export function gridError(h: TensorHistogram, grid: Grid): number {
  return squaredError(points(h), grid);
}

/** Shrink factors tried: 1 down to 1/32 in steps of a 16th octave. */
const SHRINKS = Float64Array.from({ length: 81 }, (_, k) => 2 ** (-k / 16));

/** Unsigned 8-bit grid over `[min, max]`, widened to hold zero. */
export function asymmetricGrid(min: number, max: number): Grid {
  const lo = Math.min(0, min);
  const hi = Math.max(0, max);
  const scale = hi > lo ? (hi - lo) / 255 : 1 / 255;
  return { scale, zeroPoint: Math.round(Math.abs(lo) / scale), low: 0, high: 255 };
}

/** Signed 8-bit grid over `[-limit, limit]`. */
export function symmetricGrid(limit: number): Grid {
  return { scale: limit > 0 ? limit / 127 : 1 / 127, zeroPoint: 0, low: -127, high: 127 };
}

/** The unsigned 8-bit range with the least squared error, one end after the other. */
export function leastErrorRange(h: TensorHistogram): { min: number; max: number } {
  const p = points(h);
  let min = Math.min(0, h.min);
  let max = Math.max(0, h.max);
  const search = (at: (shrink: number) => Grid): number => {
    let best = 1;
    let least = Infinity;
    for (const shrink of SHRINKS) {
      const error = squaredError(p, at(shrink));
      if (error < least) {
        least = error;
        best = shrink;
      }
    }
    return best;
  };
  const [fullMin, fullMax] = [min, max];
  for (let round = 0; round < 2; round++) {
    if (fullMax > 0) max = fullMax * search((s) => asymmetricGrid(min, fullMax * s));
    if (fullMin < 0) min = fullMin * search((s) => asymmetricGrid(fullMin * s, max));
    if (fullMin === 0 || fullMax === 0) break;
  }
  return { min, max };
}

/** The signed 8-bit limit with the least squared error. */
export function leastErrorLimit(h: TensorHistogram): number {
  const p = points(h);
  const full = Math.max(-h.min, h.max, 0);
  let best = full;
  let least = Infinity;
  for (const shrink of SHRINKS) {
    const error = squaredError(p, symmetricGrid(full * shrink));
    if (error < least) {
      least = error;
      best = full * shrink;
    }
  }
  return best;
}
