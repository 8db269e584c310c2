import { type Rng } from "../../base/index.js";
import { noiseTables } from "./noise.kernel.js";

/**
 * A picture under way: luminance and two colour ratios a pixel, row by row.
 * Red is `luma * (1 + red)`, green `luma`, blue `luma * (1 + blue)`; 1 is the sensor's full scale.
 */
export interface Canvas {
  widthPx: number;
  heightPx: number;
  luma: Float32Array;
  red: Float32Array;
  blue: Float32Array;
}

/** Whole pixels a painter may touch, max exclusive, already clipped to the canvas. */
export interface PixelRect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export function createCanvas(widthPx: number, heightPx: number): Canvas {
  const n = widthPx * heightPx;
  return {
    widthPx,
    heightPx,
    luma: new Float32Array(n),
    red: new Float32Array(n),
    blue: new Float32Array(n),
  };
}

/** The pixels around a centre, clipped to the canvas; may be empty. */
export function rectAround(
  { widthPx, heightPx }: Pick<Canvas, "widthPx" | "heightPx">,
  { x, y, radiusX, radiusY = radiusX }: { x: number; y: number; radiusX: number; radiusY?: number },
): PixelRect {
  return {
    x0: Math.max(0, Math.floor(x - radiusX)),
    y0: Math.max(0, Math.floor(y - radiusY)),
    x1: Math.min(widthPx, Math.ceil(x + radiusX) + 1),
    y1: Math.min(heightPx, Math.ceil(y + radiusY) + 1),
  };
}

/** Multiplies the luminance by a light: a tilt, two soft spots and a vignette. */
export function applyLight(
  canvas: Canvas,
  light: {
    level: number;
    tiltX: number;
    tiltY: number;
    spots: readonly { x: number; y: number; radiusPx: number; gain: number }[];
    vignette: number;
  },
): void {
  const { widthPx: w, heightPx: h, luma } = canvas;
  const reach = 1 / (w * w + h * h);
  // Light is smooth: it is computed on a coarse grid and interpolated.
  const cell = 16;
  const columns = Math.ceil(w / cell) + 1;
  const rows = Math.ceil(h / cell) + 1;
  const grid = new Float32Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const x = c * cell;
      const y = r * cell;
      const dx = x - w / 2;
      const dy = y - h / 2;
      let v = light.level * (1 + (light.tiltX * dx) / w + (light.tiltY * dy) / h);
      for (const spot of light.spots) {
        const d2 = (x - spot.x) ** 2 + (y - spot.y) ** 2;
        v += spot.gain * Math.exp(-d2 / (spot.radiusPx * spot.radiusPx));
      }
      grid[r * columns + c] = v * (1 - light.vignette * 4 * (dx * dx + dy * dy) * reach);
    }
  }
  for (let y = 0; y < h; y++) {
    const r = (y / cell) | 0;
    const fy = y / cell - r;
    for (let x = 0; x < w; x++) {
      const c = (x / cell) | 0;
      const fx = x / cell - c;
      const i = r * columns + c;
      const top = grid[i]! * (1 - fx) + grid[i + 1]! * fx;
      const bottom = grid[i + columns]! * (1 - fx) + grid[i + columns + 1]! * fx;
      luma[y * w + x]! *= top + (bottom - top) * fy;
    }
  }
}

/** Lens softness (3 taps, `softness` 0..1) and motion along x over `motionPx`, on all planes. */
export function blurCanvas(
  canvas: Canvas,
  { softness, motionPx }: { softness: number; motionPx: number },
): void {
  const { widthPx: w, heightPx: h } = canvas;
  const side = softness / 3;
  const mid = 1 - 2 * side;
  // A box of fractional width: whole taps plus two weaker ends.
  const whole = Math.floor((Math.max(1, motionPx) - 1) / 2);
  const end = (Math.max(1, motionPx) - 1) / 2 - whole;
  const norm = 1 / (2 * whole + 1 + 2 * end);
  const line = new Float32Array(w);
  for (const plane of [canvas.luma, canvas.red, canvas.blue]) {
    for (let y = 0; y < h; y++) {
      const row = y * w;
      for (let x = 0; x < w; x++) {
        const left = x > 0 ? x - 1 : 0;
        const right = x < w - 1 ? x + 1 : w - 1;
        line[x] = plane[row + x]! * mid + (plane[row + left]! + plane[row + right]!) * side;
      }
      if (motionPx <= 1.05) {
        plane.set(line, row);
        continue;
      }
      for (let x = 0; x < w; x++) {
        let sum = 0;
        for (let k = -whole; k <= whole; k++) {
          const at = x + k;
          sum += line[at < 0 ? 0 : at >= w ? w - 1 : at]!;
        }
        const before = x - whole - 1;
        const after = x + whole + 1;
        sum += end * (line[before < 0 ? 0 : before]! + line[after >= w ? w - 1 : after]!);
        plane[row + x] = sum * norm;
      }
    }
    blurDown(plane, w, h, mid, side, line);
  }
}

function blurDown(
  plane: Float32Array,
  w: number,
  h: number,
  mid: number,
  side: number,
  above: Float32Array,
): void {
  above.set(plane.subarray(0, w));
  for (let y = 0; y < h; y++) {
    const row = y * w;
    const below = y < h - 1 ? row + w : row;
    for (let x = 0; x < w; x++) {
      const here = plane[row + x]!;
      plane[row + x] = here * mid + (above[x]! + plane[below + x]!) * side;
      above[x] = here;
    }
  }
}

/**
 * Develops the canvas to 8-bit RGB: sensor noise (shot and read), highlights that saturate softly, rounding.
 * @param noise deviation at mid grey, in grey levels of 255
 * @returns `[H, W, 3]`
 */
export function developCanvas(canvas: Canvas, rng: Rng, { noise }: { noise: number }): Uint8Array {
  const { widthPx: w, heightPx: h, luma, red, blue } = canvas;
  const { white } = noiseTables();
  const out = new Uint8Array(w * h * 3);
  const n = white.length - 1;
  for (let y = 0, i = 0, j = 0; y < h; y++) {
    // Each row and channel reads the table from a place of its own.
    let a = rng.int(n);
    let b = rng.int(n);
    let c = rng.int(n);
    for (let x = 0; x < w; x++, i++, j += 3) {
      const l = luma[i]! < 0 ? 0 : luma[i]!;
      const sigma = noise * (0.45 + 0.8 * l);
      a = (a + 1) & n;
      b = (b + 1) & n;
      c = (c + 1) & n;
      // Most of the noise is common to the channels once a camera has demosaiced.
      const common = white[a]! * 0.8;
      const g = 255 * shoulder(l);
      out[j] = clampByte(255 * shoulder(l * (1 + red[i]!)) + sigma * (common + 0.6 * white[b]!));
      out[j + 1] = clampByte(g + sigma * (common + 0.4 * white[c]!));
      out[j + 2] = clampByte(
        255 * shoulder(l * (1 + blue[i]!)) + sigma * (common + 0.6 * white[(b ^ c) & n]!),
      );
    }
  }
  return out;
}

/** Linear up to 0.8, then bends towards 1. */
function shoulder(v: number): number {
  if (v <= 0.8) return v;
  const over = v - 0.8;
  return 0.8 + (0.2 * over) / (over + 0.2);
}

function clampByte(v: number): number {
  return v <= 0 ? 0 : v >= 255 ? 255 : (v + 0.5) | 0;
}
