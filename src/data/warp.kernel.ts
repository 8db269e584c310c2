import { noiseTables } from "./render/noise.kernel.js";

/** An 8-bit RGB picture, `[H, W, 3]`. */
export interface Picture {
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
}

/**
 * Source → target, axis by axis: `x = scaleX * sx + shiftX`, `y = scaleY * sy + shiftY`; negative scales mirror.
 * With `turned`, x comes from the source's y and y from its x.
 */
export interface AxisWarp {
  turned: boolean;
  scaleX: number;
  scaleY: number;
  shiftX: number;
  shiftY: number;
}

/** Target pixels to fill, max exclusive. */
export interface TargetRect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Bilinear warp of a picture into a rectangle of `target`; what no source pixel covers becomes `padValue`. */
export function warpInto(
  target: Picture,
  source: Picture,
  warp: AxisWarp,
  rect: TargetRect,
  padValue: number,
): void {
  const { widthPx: sw, heightPx: sh, pixels: from } = source;
  const { widthPx: tw, pixels: to } = target;
  const acrossX = warp.turned ? sh : sw;
  const acrossY = warp.turned ? sw : sh;
  const strideX = warp.turned ? sw * 3 : 3;
  const strideY = warp.turned ? 3 : sw * 3;
  const x = taps(rect.x0, rect.x1, warp.scaleX, warp.shiftX, acrossX, strideX);
  const y = taps(rect.y0, rect.y1, warp.scaleY, warp.shiftY, acrossY, strideY);
  // Columns outside the source are the same in every row: those at both ends.
  let first = 0;
  let last = rect.x1 - rect.x0;
  while (first < last && x.near[first]! < 0) first++;
  while (last > first && x.near[last - 1]! < 0) last--;
  const n = (last - first) * 3;
  // Two source lines already resampled along x, 8 bits of fraction; neighbouring rows share them.
  let upper = new Int32Array(n);
  let lower = new Int32Array(n);
  let upperAt = -1;
  let lowerAt = -1;
  const resample = (into: Int32Array, base: number): void => {
    for (let c = first, o = 0; c < last; c++, o += 3) {
      const a = base + x.near[c]!;
      const b = base + x.far[c]!;
      const f = x.part[c]!;
      const g = 256 - f;
      into[o] = from[a]! * g + from[b]! * f;
      into[o + 1] = from[a + 1]! * g + from[b + 1]! * f;
      into[o + 2] = from[a + 2]! * g + from[b + 2]! * f;
    }
  };
  for (let row = 0; row < y.near.length; row++) {
    const start = ((rect.y0 + row) * tw + rect.x0) * 3;
    const end = ((rect.y0 + row) * tw + rect.x1) * 3;
    const top = y.near[row]!;
    const bottom = y.far[row]!;
    if (top < 0) {
      to.fill(padValue, start, end);
      continue;
    }
    if (top !== upperAt) {
      if (top === lowerAt || bottom === upperAt) {
        [upper, lower] = [lower, upper];
        [upperAt, lowerAt] = [lowerAt, upperAt];
      }
      if (top !== upperAt) {
        resample(upper, top);
        upperAt = top;
      }
    }
    if (bottom !== lowerAt) {
      resample(lower, bottom);
      lowerAt = bottom;
    }
    const f = y.part[row]!;
    const g = 256 - f;
    const inner = start + first * 3;
    if (first > 0) to.fill(padValue, start, inner);
    for (let i = 0; i < n; i++) to[inner + i] = (upper[i]! * g + lower[i]! * f + 32768) >> 16;
    if (inner + n < end) to.fill(padValue, inner + n, end);
  }
}

interface Taps {
  /** Byte offset of the nearer source line, -1 outside. */
  near: Int32Array;
  far: Int32Array;
  /** Share of `far`, of 256. */
  part: Int32Array;
}

function taps(
  from: number,
  to: number,
  scale: number,
  shift: number,
  length: number,
  stride: number,
): Taps {
  const n = Math.max(0, to - from);
  const near = new Int32Array(n);
  const far = new Int32Array(n);
  const part = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const at = (from + i + 0.5 - shift) / scale;
    if (at < 0 || at >= length) {
      near[i] = -1;
      continue;
    }
    const s = Math.min(length - 1, Math.max(0, at - 0.5));
    const whole = Math.floor(s);
    near[i] = whole * stride;
    far[i] = Math.min(length - 1, whole + 1) * stride;
    part[i] = Math.round((s - whole) * 256);
  }
  return { near, far, part };
}

/** A photometric change: a curve for each channel, then noise. */
export interface Photometry {
  /** Deviation of the noise in grey levels; 0 for none. */
  noise: number;
  /** Where the noise table is read from. */
  noiseAt: number;
  gain: readonly [number, number, number];
  offset: number;
  gamma: number;
}

/** Applies a photometric change in place, to the pixels of a rectangle. */
export function applyPhotometry(
  { pixels, widthPx }: Picture,
  { x0, y0, x1, y1 }: TargetRect,
  { noise, noiseAt, gain, offset, gamma }: Photometry,
): void {
  const bent = Float64Array.from({ length: 256 }, (_, v) => 255 * (v / 255) ** gamma);
  const curve = (g: number): Uint8Array =>
    Uint8Array.from(bent, (v) => Math.max(0, Math.min(255, Math.round(v * g + offset))));
  const red = curve(gain[0]);
  const green = curve(gain[1]);
  const blue = curve(gain[2]);
  const { white } = noiseTables();
  const mask = white.length - 1;
  for (let y = y0; y < y1; y++) {
    const end = (y * widthPx + x1) * 3;
    let i = (y * widthPx + x0) * 3;
    if (noise <= 0) {
      for (; i < end; i += 3) {
        pixels[i] = red[pixels[i]!]!;
        pixels[i + 1] = green[pixels[i + 1]!]!;
        pixels[i + 2] = blue[pixels[i + 2]!]!;
      }
      continue;
    }
    for (let j = noiseAt + y * widthPx; i < end; i += 3, j++) {
      const common = noise * white[j & mask]! + 0.5;
      const r = (red[pixels[i]!]! + common) | 0;
      const g = (green[pixels[i + 1]!]! + common) | 0;
      const b = (blue[pixels[i + 2]!]! + common) | 0;
      pixels[i] = r < 0 ? 0 : r > 255 ? 255 : r;
      pixels[i + 1] = g < 0 ? 0 : g > 255 ? 255 : g;
      pixels[i + 2] = b < 0 ? 0 : b > 255 ? 255 : b;
    }
  }
}

/** What a rectangle's rim looks like: mean of each channel, and the spread of green. */
export interface Rim {
  mean: [number, number, number];
  spread: number;
}

/** Looks at the rim of a rectangle that lies inside the picture, every second pixel. */
export function rimOf({ widthPx: w, pixels }: Picture, rect: TargetRect): Rim {
  let r = 0;
  let g = 0;
  let b = 0;
  let squares = 0;
  let n = 0;
  const add = (x: number, y: number): void => {
    const i = (y * w + x) * 3;
    const green = pixels[i + 1]!;
    r += pixels[i]!;
    g += green;
    b += pixels[i + 2]!;
    squares += green * green;
    n++;
  };
  for (let x = rect.x0; x < rect.x1; x += 2) {
    add(x, rect.y0);
    add(x, rect.y1 - 1);
  }
  for (let y = rect.y0; y < rect.y1; y += 2) {
    add(rect.x0, y);
    add(rect.x1 - 1, y);
  }
  const mean = g / n;
  return {
    mean: [r / n, mean, b / n],
    spread: Math.sqrt(Math.max(0, squares / n - mean * mean)),
  };
}

/**
 * Blends a patch into a picture: full strength inside `core`, fading to nothing over `featherPx` around it.
 * @param patch placed with its corner at `x`, `y` of the target; must lie inside
 * @param core of the patch, in patch pixels
 * @param shift added to each channel of the patch before it is blended
 */
export function blendPatch(
  target: Picture,
  patch: Picture,
  {
    x,
    y,
    core,
    featherPx,
    shift,
  }: {
    x: number;
    y: number;
    core: TargetRect;
    featherPx: number;
    shift: readonly [number, number, number];
  },
): void {
  const { widthPx: pw, heightPx: ph, pixels: from } = patch;
  const [sr, sg, sb] = shift;
  for (let v = 0; v < ph; v++) {
    const dy = Math.max(core.y0 - v - 0.5, v + 0.5 - core.y1, 0);
    for (let u = 0; u < pw; u++) {
      const dx = Math.max(core.x0 - u - 0.5, u + 0.5 - core.x1, 0);
      const weight = 1 - Math.sqrt(dx * dx + dy * dy) / featherPx;
      if (weight <= 0) continue;
      const i = (v * pw + u) * 3;
      const o = ((y + v) * target.widthPx + x + u) * 3;
      mix(target.pixels, o, from[i]! + sr, weight);
      mix(target.pixels, o + 1, from[i + 1]! + sg, weight);
      mix(target.pixels, o + 2, from[i + 2]! + sb, weight);
    }
  }
}

function mix(pixels: Uint8Array, at: number, value: number, weight: number): void {
  const v = pixels[at]! + (value - pixels[at]!) * weight;
  pixels[at] = v <= 0 ? 0 : v >= 255 ? 255 : (v + 0.5) | 0;
}
