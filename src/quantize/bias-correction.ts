import type { Calibration } from "./calibrate.js";
import { weightRoundingShift, type QuantizedWeight } from "./quantize-weight.kernel.js";
import type { WeightedOp } from "./weighted-op.js";

/**
 * Bias of a weighted op with the mean error of its rounded weights taken out, `[channels]`: what rounding shifts each
 * output channel by, given the mean of each input channel over the calibration images.
 * Unchanged when those means are unknown; MatMul has none.
 * @returns undefined when the op has no bias and needs none
 * @see Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019, section 4.2
 */
export function correctedBias(
  { node, activation, weightData, channelAxis, biasData }: WeightedOp,
  quantized: QuantizedWeight,
  { calibration, correct }: { calibration: Calibration; correct: boolean },
): Float64Array | undefined {
  const inputMeans = calibration.ranges.get(activation.name)?.channelMeans;
  const bias = biasData && Float64Array.from(biasData.data);
  if (!correct || !inputMeans || node.op === "MatMul") return bias;
  const groups = node.int("group", 1);
  const inputs = channelAxis === 0 ? (weightData.dims[1] ?? 0) * groups : (weightData.dims[0] ?? 0);
  if (inputMeans.length !== inputs) return bias;
  const shift = weightRoundingShift(weightData, quantized, {
    axis: channelAxis,
    groups,
    inputMeans,
  });
  return shift.map((s, c) => (bias?.[c] ?? 0) - s);
}
