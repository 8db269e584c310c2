import type { Rng } from "../base/index.js";
import {
  blobRect,
  drawGroove,
  localContrast,
  markChanges,
  shadeBlob,
  smoothBlob,
  swapBlob,
  undoChanges,
  type Blob,
} from "./corrupt.kernel.js";
import type { Annotation } from "./dataset.js";
import { cachedPixels, type ImageCache } from "./image-cache.js";
import type { Picture, TargetRect } from "./warp.kernel.js";

/** Kinds of synthetic corruption, in the order of their class ids. */
export const CORRUPTION_KINDS = ["groove", "blob", "erased", "swapped"] as const;

export interface CorruptOptions {
  /** Corruptions tried on an image, `[min, max]`. */
  count: readonly [number, number];
  /** Radius of blobs in network pixels, `[min, max]`. */
  radiusPx: readonly [number, number];
  /** Length of grooves in network pixels, `[min, max]`. */
  lengthPx: readonly [number, number];
  /** Relative frequency of each of {@link CORRUPTION_KINDS}. */
  weights: readonly [number, number, number, number];
}

export const DEFAULT_CORRUPT: Readonly<CorruptOptions> = {
  count: [1, 4],
  radiusPx: [3.5, 11],
  lengthPx: [12, 48],
  weights: [1, 1, 1, 1],
};

/** Fewest changed pixels, and their least share of their box, for a corruption to be asked for. */
const FEWEST_PIXELS = 10;
const LEAST_SHARE = { groove: 0.03, blob: 0.25, erased: 0.25, swapped: 0.25 } as const;

/**
 * Corrupts a picture in place, here and there, and says where: the pretext of self-supervised pre-training.
 * Boxes and mask cover the pixels that visibly changed; what changed too little to be seen is undone.
 * @param original the same pixels in another buffer
 * @param mask `[H, W]`, zeroed and filled with 1 at corrupted pixels
 * @param cache images to swap patches from
 * @returns boxes in network pixels, `classId` indexing {@link CORRUPTION_KINDS}
 */
export function corruptPicture(
  target: Picture,
  original: Uint8Array,
  mask: Uint8Array,
  cache: ImageCache,
  rng: Rng,
  { count, radiusPx, lengthPx, weights }: Readonly<CorruptOptions> = DEFAULT_CORRUPT,
): Annotation[] {
  mask.fill(0);
  const found: Annotation[] = [];
  const rects: TargetRect[] = [];
  const wanted = count[0] + rng.int(count[1] - count[0] + 1);
  const total = weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < wanted; i++) {
    let left = rng.next() * total;
    const kind = Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) < 0),
    );
    const place = sampleBlob(target, rng, radiusPx);
    const path = samplePath(place, rng, lengthPx);
    const rect = kind === 0 ? pathRect(path, target) : blobRect(place, target);
    // Apart from each other, so that each one's pixels are its own.
    if (rects.some((r) => r.x0 < rect.x1 && rect.x0 < r.x1 && r.y0 < rect.y1 && rect.y0 < r.y1))
      continue;
    const sign = rng.next() < 0.5 ? -1 : 1;
    if (kind === 0)
      drawGroove(target, path, {
        widthPx: rng.uniform(0.6, 1.3),
        bright: sign * rng.uniform(22, 75),
        dark: sign * rng.uniform(0, 45),
      });
    else if (kind === 1)
      shadeBlob(target, place, {
        delta: sign * rng.uniform(18, 70),
        rim: sign * rng.uniform(-5, 25),
      });
    else if (kind === 2) smoothBlob(target, original, place);
    else {
      // another image only where it has the picture's own size
      const whole = cache.widthPx === target.widthPx && cache.heightPx === target.heightPx;
      const other =
        rng.next() < 0.5 || !whole ? original : cachedPixels(cache, rng.int(cache.images.length));
      swapBlob(target, { ...target, pixels: other }, place, {
        shiftX: Math.round(rng.uniform(0.1, 0.9) * target.widthPx),
        shiftY: Math.round(rng.uniform(0.1, 0.9) * target.heightPx),
        mirror: rng.next() < 0.5,
      });
    }
    const { box, pixels } = markChanges(original, target, mask, rect);
    const share = pixels / ((box.xMax - box.xMin) * (box.yMax - box.yMin));
    const least = LEAST_SHARE[CORRUPTION_KINDS[kind] ?? "blob"];
    if (pixels < FEWEST_PIXELS || share < least) {
      undoChanges(original, target, mask, rect);
      continue;
    }
    rects.push(rect);
    found.push({ classId: kind, box });
  }
  return found;
}

/** A ragged blob, at the place of three where there is most to see: defects sit on parts, not on empty belts. */
function sampleBlob(target: Picture, rng: Rng, radiusPx: CorruptOptions["radiusPx"]): Blob {
  const radius = rng.uniform(...radiusPx);
  const shape = {
    radiusX: radius * rng.uniform(0.8, 1.25),
    radiusY: radius * rng.uniform(0.8, 1.25),
    angle: rng.uniform(0, Math.PI),
    waves: [2, 3, 5].map((waveCount) => ({
      count: waveCount,
      strength: rng.uniform(0, 0.32) / Math.sqrt(waveCount),
      phase: rng.uniform(0, 2 * Math.PI),
    })),
  };
  const places = Array.from({ length: 3 }, () => ({
    x: rng.uniform(radius, target.widthPx - radius),
    y: rng.uniform(radius, target.heightPx - radius),
  }));
  let best = { ...shape, x: 0, y: 0 };
  let most = -1;
  for (const place of places) {
    const contrast = localContrast(target, blobRect({ ...shape, ...place }, target));
    if (contrast > most) {
      most = contrast;
      best = { ...shape, ...place };
    }
  }
  return best;
}

function samplePath(
  start: { x: number; y: number },
  rng: Rng,
  lengthPx: CorruptOptions["lengthPx"],
): { x: number; y: number }[] {
  const steps = 6;
  const length = rng.uniform(...lengthPx);
  const heading = rng.uniform(0, 2 * Math.PI);
  const bend = rng.normal(0, 0.5);
  const path = [{ x: start.x, y: start.y }];
  let { x, y } = start;
  for (let k = 0; k < steps; k++) {
    const at = heading + bend * (k / steps - 0.5) + rng.normal(0, 0.06);
    x += (length / steps) * Math.cos(at);
    y += (length / steps) * Math.sin(at);
    path.push({ x, y });
  }
  return path;
}

function pathRect(
  path: readonly { x: number; y: number }[],
  { widthPx, heightPx }: Picture,
): TargetRect {
  const xs = path.map((p) => p.x);
  const ys = path.map((p) => p.y);
  return {
    x0: Math.max(0, Math.floor(Math.min(...xs)) - 5),
    y0: Math.max(0, Math.floor(Math.min(...ys)) - 5),
    x1: Math.min(widthPx, Math.ceil(Math.max(...xs)) + 5),
    y1: Math.min(heightPx, Math.ceil(Math.max(...ys)) + 5),
  };
}
