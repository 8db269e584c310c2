import type { Rng } from "../base/index.js";
import { elementCount } from "../tensor/index.js";

/** Fills a new parameter; the generator is seeded by the run's seed and the parameter's name. */
export type Initializer = (dims: readonly number[], rng: Rng) => Float32Array;

/** Every element `value`. */
export function constant(value: number): Initializer {
  return (dims) => new Float32Array(elementCount(dims)).fill(value);
}

export const zeros: Initializer = constant(0);
export const ones: Initializer = constant(1);

/** Normal around 0. */
export function normal(standardDeviation: number): Initializer {
  return (dims, rng) =>
    Float32Array.from({ length: elementCount(dims) }, () => rng.normal(0, standardDeviation));
}

/**
 * He's normal initialization for layers followed by a Relu: variance `gain² · 2 / fan`.
 * Convolution weights `[O, I/groups, kH, kW]`; matrices `[in, out]` as MatMul takes them.
 * @see https://arxiv.org/abs/1502.01852
 */
export function heNormal({
  gain = 1,
  fan = "in",
}: { gain?: number; fan?: "in" | "out" } = {}): Initializer {
  return (dims, rng) => {
    const [first = 1, second = 1, ...kernel] = dims;
    const taps = elementCount(kernel);
    const matrix = dims.length < 3;
    const fanIn = matrix ? first : second * taps;
    const fanOut = matrix ? second : first * taps;
    const size = fan === "in" ? fanIn : fanOut;
    return normal(gain * Math.sqrt(2 / Math.max(1, size)))(dims, rng);
  };
}
