import type { HostTensor } from "../tensor/index.js";

export interface QuantizedWeight {
  /** Same shape as the weight. */
  q: HostTensor<"int8">;
  /** `[channels]`, real units per step. */
  scale: Float32Array;
}

/** Elements per channel and the stride between them: `index = (outer · channels + c) · inner + i`. */
function layout(dims: readonly number[], axis: number): { channels: number; inner: number } {
  let inner = 1;
  for (let i = axis + 1; i < dims.length; i++) inner *= dims[i]!;
  return { channels: dims[axis] ?? 1, inner };
}

/**
 * Quantizes weights, symmetric, per output channel; nothing is clipped.
 * @param axis axis of the output channels
 * @param levels 127 (8 bits), or 63 where 8-bit products saturate
 * @param minimumScale `[channels]` least scale of each channel
 */
export function quantizeWeight(
  { data, dims }: HostTensor<"float32">,
  axis: number,
  { levels = 127, minimumScale }: { levels?: number; minimumScale?: ArrayLike<number> } = {},
): QuantizedWeight {
  const { channels, inner } = layout(dims, axis);
  const largest = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % channels;
    const a = Math.abs(data[i]!);
    if (a > largest[c]!) largest[c] = a;
  }
  const scale = Float32Array.from(largest, (a, c) =>
    Math.max(a / levels, minimumScale?.[c] ?? 0, 1e-12),
  );
  const q = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % channels;
    const v = Math.round(data[i]! / scale[c]!);
    q[i] = v > levels ? levels : v < -levels ? -levels : v;
  }
  return { q: { dtype: "int8", dims, data: q }, scale };
}

/**
 * Mean shift of each output channel that rounding the weights causes: the sum over inputs of mean times rounding error.
 * Padding is taken to be no different from the rest of the picture.
 * @param inputMeans mean of each input channel
 * @param groups of a convolution; the weight is `[O, I / groups, …]` for axis 0, `[I, O, …]` for axis 1
 */
export function weightRoundingShift(
  weight: HostTensor<"float32">,
  { q, scale }: QuantizedWeight,
  { axis, groups, inputMeans }: { axis: number; groups: number; inputMeans: Float64Array },
): Float64Array {
  const { dims, data } = weight;
  const { channels, inner } = layout(dims, axis);
  const inputAxis = axis === 0 ? 1 : 0;
  const inputs = dims[inputAxis] ?? 1;
  const spatial = axis === 0 ? inner / inputs : inner;
  const shift = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const c = Math.floor(i / inner) % channels;
    const local =
      axis === 0 ? Math.floor(i / spatial) % inputs : Math.floor(i / (inner * channels));
    const group = Math.floor((c * groups) / channels);
    const error = q.data[i]! * scale[c]! - data[i]!;
    shift[c]! += error * (inputMeans[axis === 0 ? group * inputs + local : local] ?? 0);
  }
  return shift;
}
