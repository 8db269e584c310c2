import type { TensorHistogram } from "./histogram.kernel.js";

/** An integer grid: real = scale · (q - zeroPoint), q in [low, high]. */
export interface Grid {
  scale: number;
  zeroPoint: number;
  low: number;
  high: number;
}

/** What the next layer makes of a value: errors count after it. */
export type Transfer = (x: number) => number;

/** Bins that hold anything: value, what becomes of it, and weight. */
interface Points {
  values: Float64Array;
  targets: Float64Array;
  weights: Float64Array;
  transfer: Transfer | undefined;
}

function points(h: TensorHistogram, transfer?: Transfer): Points {
  const filled: number[] = [];
  h.counts.forEach((count, i) => {
    if (count > 0) filled.push(i);
  });
  const values = Float64Array.from(filled, (i) => Math.min(h.max, Math.max(h.min, h.center(i))));
  return {
    values,
    targets: transfer ? values.map(transfer) : values,
    weights: Float64Array.from(filled, (i) => h.counts[i]!),
    transfer,
  };
}

function squaredError(
  { values, targets, weights, transfer }: Points,
  { scale, zeroPoint, low, high }: Grid,
): number {
  const inverse = 1 / scale;
  const table = transfer && new Float64Array(high - low + 1);
  if (table) for (let q = low; q <= high; q++) table[q - low] = transfer((q - zeroPoint) * scale);
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!;
    let q = Math.round(x * inverse) + zeroPoint;
    if (q < low) q = low;
    else if (q > high) q = high;
    const d = targets[i]! - (table ? table[q - low]! : (q - zeroPoint) * scale);
    error += weights[i]! * d * d;
  }
  return error;
}

/** Squared error, summed over a tensor's values, of rounding them to a grid; after `transfer`, if given. */
export function gridError(h: TensorHistogram, grid: Grid, transfer?: Transfer): number {
  return squaredError(points(h, transfer), grid);
}

/** Shrink factors tried: 1 down to 1/64 in steps of a 16th octave. */
const SHRINKS = Float64Array.from({ length: 97 }, (_, k) => 2 ** (-k / 16));

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
export function leastErrorRange(
  h: TensorHistogram,
  transfer?: Transfer,
): { min: number; max: number } {
  const p = points(h, transfer);
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
