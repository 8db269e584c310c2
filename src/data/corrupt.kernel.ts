import type { BoxXyxyPx } from "./dataset.js";
import type { Picture, TargetRect } from "./warp.kernel.js";

/** A ragged closed outline around a centre: radius times `1 + Σ waves` over the angle. */
export interface Blob {
  x: number;
  y: number;
  radiusX: number;
  radiusY: number;
  angle: number;
  waves: readonly { count: number; strength: number; phase: number }[];
}

/** Change of a pixel, summed over the channels, from which it counts as corrupted. */
const SEEN = 33;

/** Angles at which a blob's outline is tabulated. */
const ANGLES = 128;

/** Distance measure over a rectangle: below 1 inside the blob, in units of its radius. `[y1 - y0, x1 - x0]` */
function blobReach(blob: Blob, { x0, y0, x1, y1 }: TargetRect): Float32Array {
  const outline = Float32Array.from({ length: ANGLES + 1 }, (_, i) => {
    const at = (i / ANGLES - 0.5) * 2 * Math.PI;
    let radius = 1;
    for (const { count, strength, phase } of blob.waves)
      radius += strength * Math.sin(count * at + phase);
    return 1 / Math.max(0.3, radius);
  });
  const c = Math.cos(blob.angle);
  const s = Math.sin(blob.angle);
  const out = new Float32Array((y1 - y0) * (x1 - x0));
  for (let y = y0, i = 0; y < y1; y++) {
    const dy = y + 0.5 - blob.y;
    for (let x = x0; x < x1; x++, i++) {
      const dx = x + 0.5 - blob.x;
      const u = (dx * c + dy * s) / blob.radiusX;
      const v = (-dx * s + dy * c) / blob.radiusY;
      const reach = Math.sqrt(u * u + v * v);
      // Whatever the waves, the far corners are outside.
      out[i] =
        reach > 2.5
          ? reach
          : reach * outline[((Math.atan2(v, u) / (2 * Math.PI) + 0.5) * ANGLES + 0.5) | 0]!;
    }
  }
  return out;
}

/** The pixels that a blob can touch, inside the picture. */
export function blobRect(blob: Blob, { widthPx, heightPx }: Picture): TargetRect {
  const reach = Math.max(blob.radiusX, blob.radiusY) * 1.5 + 2;
  return {
    x0: Math.max(0, Math.floor(blob.x - reach)),
    y0: Math.max(0, Math.floor(blob.y - reach)),
    x1: Math.min(widthPx, Math.ceil(blob.x + reach) + 1),
    y1: Math.min(heightPx, Math.ceil(blob.y + reach) + 1),
  };
}

/** Share of a pixel that a blob covers; `px` is the blob's smaller radius. */
function coverOf(reach: number, px: number): number {
  const inside = (1 - reach) * px + 0.5;
  return inside <= 0 ? 0 : inside >= 1.5 ? 1 : inside / 1.5;
}

/** Replaces a blob by what `source` shows `shiftX`, `shiftY` away (wrapped), mirrored if asked. */
export function swapBlob(
  target: Picture,
  source: Picture,
  blob: Blob,
  { shiftX, shiftY, mirror }: { shiftX: number; shiftY: number; mirror: boolean },
): void {
  const { widthPx: w, heightPx: h, pixels } = target;
  const rect = blobRect(blob, target);
  const reach = blobReach(blob, rect);
  const px = Math.min(blob.radiusX, blob.radiusY);
  for (let y = rect.y0, j = 0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++, j++) {
      const cover = coverOf(reach[j]!, px);
      if (cover === 0) continue;
      const sx = mirror ? Math.round(2 * blob.x) - x + shiftX : x + shiftX;
      const from = (((((y + shiftY) % h) + h) % h) * w + (((sx % w) + w) % w)) * 3;
      const to = (y * w + x) * 3;
      for (let k = 0; k < 3; k++)
        pixels[to + k] = Math.round(
          pixels[to + k]! * (1 - cover) + source.pixels[from + k]! * cover,
        );
    }
  }
}

/** Darkens or brightens a blob by `delta` grey levels, with a thin rim of `-rim`. */
export function shadeBlob(
  target: Picture,
  blob: Blob,
  { delta, rim }: { delta: number; rim: number },
): void {
  const { widthPx: w, pixels } = target;
  const rect = blobRect(blob, target);
  const reach = blobReach(blob, rect);
  const px = Math.min(blob.radiusX, blob.radiusY);
  for (let y = rect.y0, j = 0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++, j++) {
      const q = reach[j]!;
      if (q > 1.45) continue;
      const change = delta * coverOf(q, px) - rim * Math.exp(-((q - 1.05) * (q - 1.05)) / 0.03);
      const i = (y * w + x) * 3;
      for (let k = 0; k < 3; k++) pixels[i + k] = clamp(pixels[i + k]! + change);
    }
  }
}

/** Erases what a blob shows of `before`: every pixel becomes a distance-weighted mean of the blob's rim along its row and column. */
export function smoothBlob(target: Picture, before: Uint8Array, blob: Blob): void {
  const { widthPx: w, pixels } = target;
  const rect = blobRect(blob, target);
  const reach = blobReach(blob, rect);
  const px = Math.min(blob.radiusX, blob.radiusY);
  const columns = rect.x1 - rect.x0;
  const inside = (x: number, y: number): boolean =>
    x >= rect.x0 &&
    x < rect.x1 &&
    y >= rect.y0 &&
    y < rect.y1 &&
    reach[(y - rect.y0) * columns + x - rect.x0]! < 1.12;
  for (let y = rect.y0, j = 0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++, j++) {
      const cover = coverOf(reach[j]!, px);
      if (cover === 0) continue;
      let left = x;
      while (left > 0 && inside(left, y)) left--;
      let right = x;
      while (right < w - 1 && inside(right, y)) right++;
      let top = y;
      while (top > 0 && inside(x, top)) top--;
      let bottom = y;
      while (bottom < target.heightPx - 1 && inside(x, bottom)) bottom++;
      const wl = 1 / (x - left + 1);
      const wr = 1 / (right - x + 1);
      const wt = 1 / (y - top + 1);
      const wb = 1 / (bottom - y + 1);
      const sum = wl + wr + wt + wb;
      const to = (y * w + x) * 3;
      for (let k = 0; k < 3; k++) {
        const fill =
          (before[(y * w + left) * 3 + k]! * wl +
            before[(y * w + right) * 3 + k]! * wr +
            before[(top * w + x) * 3 + k]! * wt +
            before[(bottom * w + x) * 3 + k]! * wb) /
          sum;
        pixels[to + k] = Math.round(before[to + k]! * (1 - cover) + fill * cover);
      }
    }
  }
}

/** Draws a groove along a path: `bright` in its middle, `dark` on one flank, grey levels. */
export function drawGroove(
  target: Picture,
  path: readonly { x: number; y: number }[],
  { widthPx: width, bright, dark }: { widthPx: number; bright: number; dark: number },
): void {
  const { widthPx: w, heightPx: h, pixels } = target;
  const margin = width * 3 + 1;
  const xs = path.map((p) => p.x);
  const ys = path.map((p) => p.y);
  const x0 = Math.max(0, Math.floor(Math.min(...xs) - margin));
  const x1 = Math.min(w, Math.ceil(Math.max(...xs) + margin));
  const y0 = Math.max(0, Math.floor(Math.min(...ys) - margin));
  const y1 = Math.min(h, Math.ceil(Math.max(...ys) + margin));
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      let best = margin * margin;
      let side = 0;
      for (let k = 0; k + 1 < xs.length; k++) {
        const bx = xs[k + 1]! - xs[k]!;
        const by = ys[k + 1]! - ys[k]!;
        const px = x + 0.5 - xs[k]!;
        const py = y + 0.5 - ys[k]!;
        const length2 = bx * bx + by * by + 1e-6;
        const t = Math.max(0, Math.min(1, (px * bx + py * by) / length2));
        const ex = px - t * bx;
        const ey = py - t * by;
        const d2 = ex * ex + ey * ey;
        if (d2 < best) {
          best = d2;
          side = (bx * py - by * px) / Math.sqrt(length2);
        }
      }
      if (best >= margin * margin) continue;
      const core = best / (width * width);
      const off = side - 1.8 * width;
      const flank = (off * off + Math.max(0, best - side * side)) / (width * width);
      const change = bright * Math.exp(-core) - dark * Math.exp(-flank);
      const i = (y * w + x) * 3;
      for (let k = 0; k < 3; k++) pixels[i + k] = clamp(pixels[i + k]! + change);
    }
  }
}

/**
 * Finds the pixels of a rectangle that visibly differ between two pictures.
 * @param mask `[H, W]`; where they differ it is set to 1
 * @returns their box and number
 */
export function markChanges(
  before: Uint8Array,
  after: Picture,
  mask: Uint8Array,
  rect: TargetRect,
): { box: BoxXyxyPx; pixels: number } {
  const { widthPx: w, pixels } = after;
  const box = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  let count = 0;
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const i = (y * w + x) * 3;
      const change =
        Math.abs(pixels[i]! - before[i]!) +
        Math.abs(pixels[i + 1]! - before[i + 1]!) +
        Math.abs(pixels[i + 2]! - before[i + 2]!);
      if (change < SEEN) continue;
      mask[y * w + x] = 1;
      count++;
      if (x < box.xMin) box.xMin = x;
      if (y < box.yMin) box.yMin = y;
      if (x + 1 > box.xMax) box.xMax = x + 1;
      if (y + 1 > box.yMax) box.yMax = y + 1;
    }
  }
  return { box, pixels: count };
}

/** Puts a rectangle back as it was before, and clears it in the mask. */
export function undoChanges(
  before: Uint8Array,
  { widthPx: w, pixels }: Picture,
  mask: Uint8Array,
  rect: TargetRect,
): void {
  for (let y = rect.y0; y < rect.y1; y++) {
    const from = (y * w + rect.x0) * 3;
    const to = (y * w + rect.x1) * 3;
    pixels.set(before.subarray(from, to), from);
    mask.fill(0, y * w + rect.x0, y * w + rect.x1);
  }
}

/** Spread of the green channel over a sparse grid of a rectangle: how much there is to see. */
export function localContrast({ widthPx: w, pixels }: Picture, rect: TargetRect): number {
  let sum = 0;
  let squares = 0;
  let n = 0;
  for (let y = rect.y0; y < rect.y1; y += 3) {
    for (let x = rect.x0; x < rect.x1; x += 3) {
      const v = pixels[(y * w + x) * 3 + 1]!;
      sum += v;
      squares += v * v;
      n++;
    }
  }
  return n === 0 ? 0 : Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
}

/** Any marked pixel marks its cell: `[ceil(H / cellPx), ceil(W / cellPx)]`. */
export function cellsOf(
  mask: Uint8Array,
  widthPx: number,
  heightPx: number,
  cellPx: number,
): Uint8Array {
  const columns = Math.ceil(widthPx / cellPx);
  const cells = new Uint8Array(columns * Math.ceil(heightPx / cellPx));
  for (let y = 0, i = 0; y < heightPx; y++) {
    const row = Math.floor(y / cellPx) * columns;
    for (let x = 0; x < widthPx; x++, i++)
      if (mask[i] === 1) cells[row + Math.floor(x / cellPx)] = 1;
  }
  return cells;
}

function clamp(v: number): number {
  return v <= 0 ? 0 : v >= 255 ? 255 : (v + 0.5) | 0;
}
