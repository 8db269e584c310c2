import { toFloat16Bits } from "../../tensor/index.js";

/** Largest finite float16. */
export const FLOAT16_MAX = 65504;
/** Smallest positive float16 (subnormal), 2^-24. */
export const FLOAT16_MIN_POSITIVE = 2 ** -24;

/**
 * float32 → float16 bits, for weights: infinities and overflow become ±65504, nonzero values below the smallest
 * subnormal become ±5.96e-8, so that nothing turns into infinity or into a division by zero.
 */
export function halfWeights(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let v = values[i]!;
    if (v > FLOAT16_MAX) v = FLOAT16_MAX;
    else if (v < -FLOAT16_MAX) v = -FLOAT16_MAX;
    else if (v !== 0 && v < FLOAT16_MIN_POSITIVE && v > -FLOAT16_MIN_POSITIVE)
      v = v > 0 ? FLOAT16_MIN_POSITIVE : -FLOAT16_MIN_POSITIVE;
    out[i] = toFloat16Bits(v);
  }
  return out;
}
