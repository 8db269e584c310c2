/**
 * Signed histogram of everything one tensor was seen to hold, symmetric about zero.
 * Its limit is a power of two and bins merge in pairs when it doubles, so the result does not depend on the order or
 * the batching of what is added.
 */
export class TensorHistogram {
  /** Bins on each side of zero. */
  readonly bins: number;
  /** `[2 · bins]`: bin `bins + i` counts values in `[i, i + 1) · limit / bins`, bin `bins - 1 - i` their mirror image. */
  readonly counts: Float64Array;
  /** Upper edge of the last bin; 0 before anything but zeros was seen. */
  limit = 0;
  min = Infinity;
  max = -Infinity;
  /** Values seen, zeros included. */
  total = 0;
  /** Exact zeros; they are in no bin, since every grid here represents zero exactly. */
  zeros = 0;
  /** NaN and infinities; they are counted nowhere else. */
  nonFinite = 0;
  /** Sum per channel (axis 1), when the tensors have one. */
  channelSums: Float64Array | undefined;
  /** Values per channel behind `channelSums`. */
  channelTotal = 0;

  constructor(bins = 2048) {
    this.bins = bins;
    this.counts = new Float64Array(2 * bins);
  }

  /** Width of a bin. */
  get binWidth(): number {
    return this.limit / this.bins;
  }

  /** Value that stands for bin `index`: its middle. */
  center(index: number): number {
    return (index - this.bins + 0.5) * this.binWidth;
  }

  /** @param dims shape of `data`; axis 1 is the channel */
  add(data: Float32Array, dims: readonly number[]): void {
    const channels = dims.length >= 2 ? (dims[1] ?? 1) : 1;
    const plane = dims.length >= 2 ? data.length / ((dims[0] ?? 1) * channels || 1) : data.length;
    const sums = (this.channelSums ??= new Float64Array(channels));
    const known = sums.length === channels;
    let { min, max } = this;
    let bad = 0;
    for (let start = 0, block = 0; start < data.length; start += plane, block++) {
      let sum = 0;
      for (let i = start; i < start + plane; i++) {
        const x = data[i]!;
        if (x < min) min = x;
        if (x > max) max = x;
        sum += x;
      }
      if (!Number.isFinite(sum)) bad++;
      else if (known) sums[block % channels]! += sum;
    }
    if (bad > 0) {
      this.#addWithHoles(data);
      return;
    }
    this.channelTotal += data.length / channels;
    this.min = min;
    this.max = max;
    this.#grow(Math.max(-min, max));
    this.#count(data);
  }

  /** Keeps the finite values of a tensor that has others, and says how many there were. */
  #addWithHoles(data: Float32Array): void {
    const finite = data.filter((x) => Number.isFinite(x));
    this.nonFinite += data.length - finite.length;
    for (const x of finite) {
      if (x < this.min) this.min = x;
      if (x > this.max) this.max = x;
    }
    if (finite.length > 0) this.#grow(Math.max(-this.min, this.max));
    this.#count(finite);
  }

  #count(data: Float32Array): void {
    const { counts, bins, limit } = this;
    const scale = limit === 0 ? 0 : bins / limit;
    const last = bins - 1;
    let zeros = 0;
    for (let i = 0; i < data.length; i++) {
      const x = data[i]!;
      if (x > 0) {
        const at = (x * scale) | 0;
        counts[bins + (at > last ? last : at)]!++;
      } else if (x < 0) {
        const at = (-x * scale) | 0;
        counts[last - (at > last ? last : at)]!++;
      } else zeros++;
    }
    this.zeros += zeros;
    this.total += data.length;
  }

  /** Makes room for magnitudes up to `magnitude`. */
  #grow(magnitude: number): void {
    if (magnitude === 0 || magnitude <= this.limit) return;
    const limit = 2 ** Math.ceil(Math.log2(magnitude));
    if (this.limit === 0) {
      this.limit = limit;
      return;
    }
    const { counts, bins } = this;
    const factor = limit / this.limit;
    const merged = new Float64Array(2 * bins);
    for (let i = 0; i < bins; i++) {
      const to = Math.floor(i / factor);
      merged[bins + to]! += counts[bins + i]!;
      merged[bins - 1 - to]! += counts[bins - 1 - i]!;
    }
    counts.set(merged);
    this.limit = limit;
  }
}

/** Histogram of `|x|`: `[bins]`, with the same limit. */
export function magnitudes({ counts, bins }: TensorHistogram): Float64Array {
  const out = new Float64Array(bins);
  for (let i = 0; i < bins; i++) out[i] = counts[bins + i]! + counts[bins - 1 - i]!;
  return out;
}
