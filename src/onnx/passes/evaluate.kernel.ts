import {
  arrayConstructor,
  elementCount,
  type DType,
  type HostTensor,
  type NumericDType,
  type TypedArrayOf,
} from "../../tensor/index.js";

type Numeric = HostTensor<NumericDType>;

/** An empty tensor to fill. */
function allocate(dtype: NumericDType, dims: readonly number[]): Numeric {
  const Ctor = arrayConstructor(dtype) as new (length: number) => TypedArrayOf[NumericDType];
  return { dtype, dims, data: new Ctor(elementCount(dims)) };
}

/** Row-major strides, in elements. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let i = dims.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= dims[i]!;
  }
  return strides;
}

/**
 * Copies elements into a new shape: output index `(i0, i1, …)` takes the element at `base + Σ ik · stepsK`.
 * Transpose, Slice, Expand and broadcasting are all this. Works on bits, so for every element type but string.
 */
export function gatherStrided(
  source: Numeric,
  dims: readonly number[],
  steps: readonly number[],
  base = 0,
): Numeric {
  const out = allocate(source.dtype, dims);
  const from = source.data as Float64Array;
  const to = out.data as Float64Array;
  const rank = dims.length;
  const index = new Array<number>(rank).fill(0);
  for (let i = 0, at = base; i < to.length; i++) {
    to[i] = from[at]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** Steps for {@link gatherStrided} that broadcast `from` to `dims`. */
export function broadcastSteps(from: readonly number[], dims: readonly number[]): number[] {
  const strides = stridesOf(from);
  const lead = dims.length - from.length;
  return dims.map((_, i) => (i < lead || from[i - lead] === 1 ? 0 : strides[i - lead]!));
}

/** Joins tensors along an axis. */
export function concatenate(parts: readonly Numeric[], axis: number): Numeric {
  const first = parts[0]!;
  const dims = first.dims.map((d, i) =>
    i === axis ? parts.reduce((n, p) => n + p.dims[axis]!, 0) : d,
  );
  const out = allocate(first.dtype, dims);
  const outer = elementCount(dims.slice(0, axis));
  const inner = elementCount(dims.slice(axis + 1));
  let at = 0;
  const to = out.data as Float64Array;
  for (let o = 0; o < outer; o++)
    for (const part of parts) {
      const run = part.dims[axis]! * inner;
      to.set((part.data as Float64Array).subarray(o * run, (o + 1) * run), at);
      at += run;
    }
  return out;
}

/** Picks whole rows along an axis; negative indices count from the end. */
export function gatherAxis(
  source: Numeric,
  indices: readonly number[],
  indexDims: readonly number[],
  axis: number,
): Numeric {
  const length = source.dims[axis]!;
  const dims = [...source.dims.slice(0, axis), ...indexDims, ...source.dims.slice(axis + 1)];
  const out = allocate(source.dtype, dims);
  const inner = elementCount(source.dims.slice(axis + 1));
  const outer = elementCount(source.dims.slice(0, axis));
  const from = source.data as Float64Array;
  const to = out.data as Float64Array;
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const i of indices) {
      const row = (o * length + (i < 0 ? i + length : i)) * inner;
      to.set(from.subarray(row, row + inner), at);
      at += inner;
    }
  return out;
}

/** Content as doubles; undefined when that would lose digits, or for bit patterns and strings. */
export function toDoubles({ dtype, data }: HostTensor): Float64Array | undefined {
  switch (dtype) {
    case "string":
    case "float16":
    case "bfloat16":
      return undefined;
    case "int64":
    case "uint64": {
      const from = data as BigInt64Array;
      const out = new Float64Array(from.length);
      for (let i = 0; i < from.length; i++) {
        out[i] = Number(from[i]!);
        if (!Number.isSafeInteger(out[i])) return undefined;
      }
      return out;
    }
    default:
      return Float64Array.from(data as Float64Array);
  }
}

/** Doubles as a tensor; undefined when an integer type cannot hold them. */
export function fromDoubles(
  dtype: DType,
  dims: readonly number[],
  values: Float64Array,
): Numeric | undefined {
  if (dtype === "string" || dtype === "float16" || dtype === "bfloat16") return undefined;
  const out = allocate(dtype, dims);
  if (dtype === "int64" || dtype === "uint64") {
    const to = out.data as BigInt64Array;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isSafeInteger(values[i]) || (dtype === "uint64" && values[i]! < 0))
        return undefined;
      to[i] = BigInt(values[i]!);
    }
    return out;
  }
  const to = out.data as Float64Array;
  for (let i = 0; i < values.length; i++) {
    to[i] = values[i]!;
    if (dtype !== "float32" && dtype !== "float64" && to[i] !== values[i]) return undefined;
  }
  return out;
}
