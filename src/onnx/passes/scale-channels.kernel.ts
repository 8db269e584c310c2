/**
 * Multiplies runs of weights by a factor each.
 * @param weight `[outer, inner]` in row-major order
 * @param factorOf index into `factors` of row r
 */
export function scaleRows(
  weight: Float32Array,
  rows: number,
  factors: Float64Array,
  factorOf: (row: number) => number,
): Float32Array {
  const out = new Float32Array(weight.length);
  const width = weight.length / rows;
  for (let r = 0, i = 0; r < rows; r++) {
    const f = factors[factorOf(r)]!;
    for (const end = i + width; i < end; i++) out[i] = weight[i]! * f;
  }
  return out;
}

/** Per-channel factor and offset of a batch normalization in inference: `y = x · factor + offset`. */
export function normalizationAffine(
  scale: Float32Array,
  bias: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
  epsilon: number,
): { factors: Float64Array; offsets: Float64Array } {
  const factors = new Float64Array(scale.length);
  const offsets = new Float64Array(scale.length);
  for (let c = 0; c < scale.length; c++) {
    const f = scale[c]! / Math.sqrt(variance[c]! + epsilon);
    factors[c] = f;
    offsets[c] = bias[c]! - mean[c]! * f;
  }
  return { factors, offsets };
}
