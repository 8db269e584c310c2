import { entropyCut } from "./entropy.kernel.js";
import { magnitudes, type TensorHistogram } from "./histogram.kernel.js";
import type { CalibrationMethod, CalibrationPreset } from "./preset.js";
import { leastErrorLimit, leastErrorRange, type Transfer } from "./squared-error.kernel.js";

/** The real interval that a tensor's integers cover. */
export interface Range {
  min: number;
  max: number;
}

/** A way to choose ranges from a histogram; pure, and data: see {@link OBSERVERS}. */
export interface Observer {
  readonly id: CalibrationMethod;
  /**
   * Interval for an unsigned grid with a zero point. Lies within what was observed.
   * @param transfer the function that alone reads the tensor, if there is one
   */
  range(h: TensorHistogram, preset: CalibrationPreset, transfer?: Transfer): Range;
  /** Largest magnitude for a signed grid with zero point 0. */
  limit(h: TensorHistogram, preset: CalibrationPreset): number;
}

export function defineObserver(observer: Observer): Observer {
  return observer;
}

const observedLimit = (h: TensorHistogram): number => Math.max(Math.abs(h.min), Math.abs(h.max));

/** All that was seen: nothing clipped, outliers set the scale. */
const minmax = defineObserver({
  id: "minmax",
  range: ({ min, max }) => ({ min, max }),
  limit: observedLimit,
});

/** Walks in from the edge of the histogram over at most `allowed` values; the value reached. */
function trimmedEdge(h: TensorHistogram, side: "low" | "high", allowed: number): number {
  const step = side === "high" ? -1 : 1;
  let left = allowed;
  for (
    let i = side === "high" ? h.counts.length - 1 : 0;
    i >= 0 && i < h.counts.length;
    i += step
  ) {
    if (i === (side === "high" ? h.bins - 1 : h.bins)) return 0;
    left -= h.counts[i] ?? 0;
    if (left < 0) {
      const outerEdge = (i - h.bins + (side === "high" ? 1 : 0)) * h.binWidth;
      return Math.min(h.max, Math.max(h.min, outerEdge));
    }
  }
  return 0;
}

/** Values that may be clipped when `kept` percent stay. */
function allowance({ total }: TensorHistogram, kept: number): number {
  return Math.floor((total * (100 - kept)) / 100 + 1e-6);
}

/** Clips a share of all values: half at each end, or all at one end when the tensor has one sign. */
const percentile = defineObserver({
  id: "percentile",
  range(h, { percentile: kept = 99.99 }) {
    const clipped = allowance(h, kept);
    if (h.min >= 0) return { min: h.min, max: trimmedEdge(h, "high", clipped) };
    if (h.max <= 0) return { min: trimmedEdge(h, "low", clipped), max: h.max };
    return { min: trimmedEdge(h, "low", clipped / 2), max: trimmedEdge(h, "high", clipped / 2) };
  },
  limit(h, { percentile: kept = 99.99 }) {
    let left = allowance(h, kept);
    const counts = magnitudes(h);
    for (let i = counts.length - 1; i >= 0; i--) {
      left -= counts[i] ?? 0;
      if (left < 0) return Math.min(observedLimit(h), (i + 1) * h.binWidth);
    }
    return observedLimit(h);
  },
});

function entropyLimit(h: TensorHistogram, levels: number): number {
  return Math.min(observedLimit(h), entropyCut(magnitudes(h), levels) * h.binWidth);
}

/** Least Kullback-Leibler divergence between the values and their clipped, quantized copy. */
const entropy = defineObserver({
  id: "entropy",
  range(h) {
    const [lo, hi] = [Math.max(0, -h.min), Math.max(0, h.max)];
    if (lo + hi === 0) return { min: 0, max: 0 };
    const levels = Math.round((256 * Math.max(lo, hi)) / (lo + hi));
    const limit = entropyLimit(h, levels);
    return { min: Math.max(h.min, -limit), max: Math.min(h.max, limit) };
  },
  limit: (h) => entropyLimit(h, 128),
});

/** Least squared error of the rounded and clipped values, after the activation function that reads them. */
const mse = defineObserver({
  id: "mse",
  range: (h, _, transfer) => leastErrorRange(h, transfer),
  limit: leastErrorLimit,
});

/** Every calibration method. */
export const OBSERVERS: Readonly<Record<CalibrationMethod, Observer>> = {
  minmax,
  percentile,
  entropy,
  mse,
};
