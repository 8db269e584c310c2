import { clipAnnotations } from "./box.js";
import { cachedPixels, type CachedImage, type ImageCache } from "./image-cache.js";

/** Offsets that cover `length` with spans of `tile`, evenly overlapped. */
function offsets(length: number, tile: number): number[] {
  const count = Math.ceil(length / tile);
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round(((length - tile) * i) / (count - 1)),
  );
}

/**
 * Cuts every cached image into tiles at full scale, so that a network trains on crops of what it will see whole.
 * @param keepVisible a box is kept in a tile when at least this share of it is there
 */
export function tileCache(
  cache: ImageCache,
  {
    widthPx,
    heightPx,
    keepVisible = 0.5,
  }: { widthPx: number; heightPx: number; keepVisible?: number },
): ImageCache {
  const places = offsets(cache.heightPx, heightPx).flatMap((y) =>
    offsets(cache.widthPx, widthPx).map((x) => ({ x, y })),
  );
  const stride = widthPx * heightPx * 3;
  const pixels = new Uint8Array(cache.images.length * places.length * stride);
  const images: CachedImage[] = [];
  cache.images.forEach((image, index) => {
    const source = cachedPixels(cache, index);
    for (const { x, y } of places) {
      const target = images.length * stride;
      for (let row = 0; row < heightPx; row++) {
        const from = ((y + row) * cache.widthPx + x) * 3;
        pixels.set(source.subarray(from, from + widthPx * 3), target + row * widthPx * 3);
      }
      const { annotations, ...rest } = image;
      const shifted = annotations?.map(({ classId, box }) => ({
        classId,
        box: { xMin: box.xMin - x, yMin: box.yMin - y, xMax: box.xMax - x, yMax: box.yMax - y },
      }));
      images.push({
        ...rest,
        id: `${image.id}@${String(x)},${String(y)}`,
        transform: {
          ...image.transform,
          padXPx: image.transform.padXPx - x,
          padYPx: image.transform.padYPx - y,
        },
        ...(shifted
          ? {
              annotations: clipAnnotations(
                shifted,
                { x0: 0, y0: 0, x1: widthPx, y1: heightPx },
                keepVisible,
              ),
            }
          : {}),
      });
    }
  });
  return { ...cache, widthPx, heightPx, pixels, images };
}
