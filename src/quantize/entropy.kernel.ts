/** Candidate thresholds tried at most; more bins widen the stride. */
const MAX_CANDIDATES = 256;

/**
 * Kullback-Leibler divergence of a magnitude histogram cut at bin `cut` from its own quantization to `levels` levels.
 * What lies beyond the cut is clipped onto the last bin of the reference, not of the quantized one.
 * @param counts `[bins]` histogram of magnitudes
 */
export function clippingDivergence(counts: Float64Array, cut: number, levels: number): number {
  let outliers = 0;
  for (let i = cut; i < counts.length; i++) outliers += counts[i]!;
  let inside = 0;
  for (let i = 0; i < cut; i++) inside += counts[i]!;
  const total = inside + outliers;
  if (inside === 0) return Infinity;
  let divergence = 0;
  for (let level = 0; level < levels; level++) {
    const from = Math.floor((level * cut) / levels);
    const to = Math.max(from + 1, Math.floor(((level + 1) * cut) / levels));
    let sum = 0;
    let filled = 0;
    for (let i = from; i < to && i < cut; i++) {
      const c = counts[i]!;
      sum += c;
      if (c > 0 || (i === cut - 1 && outliers > 0)) filled++;
    }
    if (filled === 0) continue;
    // A level that holds nothing of its own but is clipped onto keeps a trace, or the divergence would be infinite.
    const q = Math.max(sum / filled, 1e-4) / inside;
    for (let i = from; i < to && i < cut; i++) {
      const p = (counts[i]! + (i === cut - 1 ? outliers : 0)) / total;
      if (p > 0) divergence += p * Math.log(p / q);
    }
  }
  return divergence;
}

/**
 * The cut, in bins, that loses the least information when magnitudes below it are quantized to `levels` levels.
 * @see https://on-demand.gputechconf.com/gtc/2017/presentation/s7310-8-bit-inference-with-tensorrt.pdf
 */
export function entropyCut(counts: Float64Array, levels: number): number {
  let last = counts.length;
  while (last > 0 && counts[last - 1] === 0) last--;
  if (last <= levels) return last;
  const stride = Math.max(1, Math.ceil((last - levels) / MAX_CANDIDATES));
  let best = last;
  let least = Infinity;
  for (let cut = last; cut >= levels; cut -= stride) {
    const divergence = clippingDivergence(counts, cut, levels);
    if (divergence < least) {
      least = divergence;
      best = cut;
    }
  }
  return best;
}
