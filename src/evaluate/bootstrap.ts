import { createRng, EdgeDistillError } from "../base/index.js";

export interface BootstrapOptions {
  /** Share of resamples inside the interval. */
  confidence?: number;
  resamples?: number;
  seed?: number | string;
}

/** An estimate with the interval that bootstrap resampling gives it. */
export interface Interval {
  value: number;
  low: number;
  high: number;
  confidence: number;
  /** How many units were resampled. */
  count: number;
}

/** Mean of numbers; NaN of none. */
const mean = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

/**
 * Percentile bootstrap: the statistic of many resamples drawn with replacement, and the middle of what it takes.
 * Units may be anything the statistic reads: seeds, images, pairs. Resamples without a value (NaN) are left out.
 * @param statistic default: the mean of numbers
 * @throws EVALUATE_MISMATCH when there is nothing to resample
 */
export function bootstrapInterval(units: readonly number[], options?: BootstrapOptions): Interval;
export function bootstrapInterval<T>(
  units: readonly T[],
  options: BootstrapOptions & { statistic: (resample: readonly T[]) => number },
): Interval;
export function bootstrapInterval<T>(
  units: readonly T[],
  {
    confidence = 0.95,
    resamples = 2000,
    seed = 0,
    statistic = (sample) => mean(sample as readonly number[]),
  }: BootstrapOptions & { statistic?: (resample: readonly T[]) => number } = {},
): Interval {
  if (units.length === 0)
    throw new EdgeDistillError("EVALUATE_MISMATCH", "There is nothing to resample", {
      hint: "Give at least one measurement.",
    });
  const rng = createRng(`bootstrap/${String(seed)}`);
  const values: number[] = [];
  for (let r = 0; r < resamples; r++) {
    const value = statistic(units.map(() => rng.pick(units)));
    if (!Number.isNaN(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return {
    value: statistic(units),
    low: quantile(values, tail),
    high: quantile(values, 1 - tail),
    confidence,
    count: units.length,
  };
}

/**
 * Mean difference `ours - theirs` of paired measurements (same seed, same images) with its interval. A claim stands
 * where the interval leaves zero.
 * @throws EVALUATE_MISMATCH when they do not pair
 */
export function pairedBootstrapInterval(
  ours: readonly number[],
  theirs: readonly number[],
  options: BootstrapOptions = {},
): Interval {
  if (ours.length !== theirs.length)
    throw new EdgeDistillError(
      "EVALUATE_MISMATCH",
      `${String(ours.length)} measurements cannot be paired with ${String(theirs.length)}`,
      { hint: "Measure both arms on the same seeds." },
    );
  return bootstrapInterval(
    ours.map((value, i) => value - (theirs[i] ?? NaN)),
    options,
  );
}

/** Quantile of sorted numbers, linear between neighbours; NaN of none. */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return NaN;
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}
