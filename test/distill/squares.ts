import { createRng } from "../../src/base/index.js";
import type { Annotation, CachedImage, ImageCache } from "../../src/data/index.js";
import { letterboxTransform } from "../../src/image/index.js";

export const SIDE_PX = 64;

/** Grey images with one bright (class 0) or dark (class 1) square each. */
export function squares(count: number, { marked = count }: { marked?: number } = {}): ImageCache {
  const pixels = new Uint8Array(count * SIDE_PX * SIDE_PX * 3);
  const images = Array.from({ length: count }, (_, n): CachedImage => {
    const rng = createRng(`square/${String(n)}`);
    const classId = n % 2;
    const side = 12 + rng.int(8);
    const [left, top] = [rng.int(SIDE_PX - side), rng.int(SIDE_PX - side)];
    for (let y = 0, at = n * SIDE_PX * SIDE_PX * 3; y < SIDE_PX; y++)
      for (let x = 0; x < SIDE_PX; x++) {
        const inside = x >= left && x < left + side && y >= top && y < top + side;
        const grey = (inside ? (classId === 0 ? 220 : 30) : 120) + rng.int(9);
        for (let c = 0; c < 3; c++) pixels[at++] = grey;
      }
    const annotation: Annotation = {
      classId,
      box: { xMin: left, yMin: top, xMax: left + side, yMax: top + side },
    };
    const size = { widthPx: SIDE_PX, heightPx: SIDE_PX };
    return {
      id: String(n),
      path: `square-${String(n)}`,
      transform: letterboxTransform(size, size),
      ...(n < marked ? { annotations: [annotation] } : {}),
    };
  });
  return {
    classes: ["bright", "dark"],
    widthPx: SIDE_PX,
    heightPx: SIDE_PX,
    pixels,
    images,
    skipped: [],
  };
}
