import { elementCount, type HostTensor } from "../tensor/index.js";
import type { TrainingStep, Weights } from "../train/index.js";

/** The leading block of a tensor: `dims[k]` entries of each axis. */
function leadingBlock(
  { dims: from, data }: HostTensor<"float32">,
  dims: readonly number[],
): HostTensor<"float32"> {
  const out = new Float32Array(elementCount(dims));
  const rowLength = dims[dims.length - 1] ?? 1;
  const rows = out.length / rowLength;
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let at = 0;
    let stride = from[from.length - 1] ?? 1;
    for (let axis = dims.length - 2; axis >= 0; axis--) {
      const size = dims[axis] ?? 1;
      at += (rest % size) * stride;
      rest = Math.floor(rest / size);
      stride *= from[axis] ?? 1;
    }
    out.set(data.subarray(at, at + rowLength), row * rowLength);
  }
  return { dtype: "float32", dims, data: out };
}

/**
 * Starts a student from its teacher's own weights: of every tensor that both have by name, the leading channels. The
 * same channels are kept everywhere, so what flows between layers still fits; where the teacher is not at least as wide,
 * the student starts fresh.
 * @see https://arxiv.org/abs/2311.18823 initializing models with larger ones
 */
export function inheritWeights(
  teacher: Weights,
  { parameters, buffers }: Pick<TrainingStep, "parameters" | "buffers">,
): Weights {
  const inherited = new Map<string, HostTensor<"float32">>();
  for (const { name, dims } of [...parameters.specs, ...buffers.specs]) {
    const wide = teacher.get(name);
    if (wide?.dims.length === dims.length && dims.every((d, k) => d <= (wide.dims[k] ?? 0)))
      inherited.set(name, leadingBlock(wide, dims));
  }
  return inherited;
}
