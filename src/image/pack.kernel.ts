import { EdgeDistillError } from "../base/index.js";
import type { InputSpec } from "./input-spec.js";

/** Elements of one packed image. */
export function packedLength({
  widthPx,
  heightPx,
}: Pick<InputSpec, "widthPx" | "heightPx">): number {
  return widthPx * heightPx * 3;
}

type LutSpec = Pick<InputSpec, "scale" | "mean">;
const luts = new WeakMap<LutSpec, readonly [Float32Array, Float32Array, Float32Array]>();

/** The 256 values a byte can become, per network channel; computed once a spec. */
function lutsOf(spec: LutSpec): readonly [Float32Array, Float32Array, Float32Array] {
  let tables = luts.get(spec);
  if (tables === undefined) {
    const table = (c: 0 | 1 | 2): Float32Array =>
      Float32Array.from({ length: 256 }, (_, v) => (v - spec.mean[c]) * spec.scale[c]);
    tables = [table(0), table(1), table(2)];
    luts.set(spec, tables);
  }
  return tables;
}

/**
 * Packs RGB pixels (`[H, W, 3]`, 8-bit) into one image of a network's input, in the spec's layout, channel order and
 * element type, reusing `out`. With a batch, `imageIndex` says which image of `out` to fill.
 * @param out at least `(imageIndex + 1) * 3 * H * W` elements; Float32Array or Uint8Array as `spec.dtype` says
 * @throws IMAGE_SIZE when pixels or `out` do not fit the spec
 */
export function packImage<A extends Float32Array | Uint8Array>(
  pixels: Uint8Array,
  spec: InputSpec,
  out: A,
  { imageIndex = 0 }: { imageIndex?: number } = {},
): A {
  const length = packedLength(spec);
  expectFit(pixels, spec, spec.dtype, out, (imageIndex + 1) * length);
  const offset = imageIndex * length;
  const first = spec.channels === "rgb" ? 0 : 2;
  if (out instanceof Uint8Array) {
    if (spec.layout === "nhwc") copyInterleaved(pixels, out, offset, first, length);
    else copyPlanes(pixels, out, offset, first, length);
  } else {
    const tables = lutsOf(spec);
    if (spec.layout === "nhwc")
      mapInterleaved(pixels, out as Float32Array, offset, first, length, tables);
    else mapPlanes(pixels, out as Float32Array, offset, first, length, tables);
  }
  return out;
}

/** {@link packImage} for the common case, float32 NCHW whatever the spec says; allocates `out` when none is given. */
export function packNchw(
  pixels: Uint8Array,
  spec: InputSpec,
  {
    out = new Float32Array(packedLength(spec)),
    imageIndex = 0,
  }: { out?: Float32Array; imageIndex?: number } = {},
): Float32Array {
  const length = packedLength(spec);
  expectFit(pixels, spec, "float32", out, (imageIndex + 1) * length);
  mapPlanes(
    pixels,
    out,
    imageIndex * length,
    spec.channels === "rgb" ? 0 : 2,
    length,
    lutsOf(spec),
  );
  return out;
}

type Luts = readonly [Float32Array, Float32Array, Float32Array];

function mapPlanes(
  p: Uint8Array,
  out: Float32Array,
  offset: number,
  first: number,
  n: number,
  t: Luts,
): void {
  const plane = n / 3;
  const third = 2 - first;
  const [t0, t1, t2] = t;
  const o1 = offset + plane;
  const o2 = o1 + plane;
  for (let i = 0, j = 0; j < plane; i += 3, j++) {
    out[offset + j] = t0[p[i + first]!]!;
    out[o1 + j] = t1[p[i + 1]!]!;
    out[o2 + j] = t2[p[i + third]!]!;
  }
}

function mapInterleaved(
  p: Uint8Array,
  out: Float32Array,
  offset: number,
  first: number,
  n: number,
  t: Luts,
): void {
  const third = 2 - first;
  const [t0, t1, t2] = t;
  for (let i = 0; i < n; i += 3) {
    out[offset + i] = t0[p[i + first]!]!;
    out[offset + i + 1] = t1[p[i + 1]!]!;
    out[offset + i + 2] = t2[p[i + third]!]!;
  }
}

function copyPlanes(
  p: Uint8Array,
  out: Uint8Array,
  offset: number,
  first: number,
  n: number,
): void {
  const plane = n / 3;
  const third = 2 - first;
  for (let i = 0, j = offset; i < n; i += 3, j++) {
    out[j] = p[i + first]!;
    out[j + plane] = p[i + 1]!;
    out[j + 2 * plane] = p[i + third]!;
  }
}

function copyInterleaved(
  p: Uint8Array,
  out: Uint8Array,
  offset: number,
  first: number,
  n: number,
): void {
  if (first === 0) {
    out.set(p, offset);
    return;
  }
  for (let i = 0; i < n; i += 3) {
    out[offset + i] = p[i + 2]!;
    out[offset + i + 1] = p[i + 1]!;
    out[offset + i + 2] = p[i]!;
  }
}

function expectFit(
  pixels: Uint8Array,
  spec: InputSpec,
  dtype: InputSpec["dtype"],
  out: Float32Array | Uint8Array,
  needed: number,
): void {
  const { widthPx, heightPx } = spec;
  const size = `${String(widthPx)}x${String(heightPx)}`;
  const problem =
    pixels.length !== packedLength(spec)
      ? `${String(pixels.length)} bytes of pixels are not one RGB image of ${size}`
      : out instanceof Float32Array !== (dtype === "float32")
        ? `A ${out.constructor.name} cannot hold ${dtype} input`
        : out.length < needed
          ? `A buffer of ${String(out.length)} elements is too small for ${String(needed)}`
          : undefined;
  if (problem !== undefined)
    throw new EdgeDistillError("IMAGE_SIZE", problem, {
      hint: "Letterbox the image to the spec's size first, and size the buffer by packedLength().",
      details: { widthPx, heightPx, bytes: pixels.length, elements: out.length },
    });
}
