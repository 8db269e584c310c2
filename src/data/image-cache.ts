import { EdgeDistillError, errorMessage, throwIfAborted, type OnProgress } from "../base/index.js";
import {
  boxToNetwork,
  letterbox,
  type LetterboxTransform,
  type ResizeKernel,
} from "../image/index.js";
import type { Annotation, BoxXyxyPx, Dataset } from "./dataset.js";

/** An image of the cache. `annotations` are in *network* pixels; absent: unlabelled. */
export interface CachedImage {
  id: string;
  path: string;
  transform: LetterboxTransform;
  annotations?: readonly Annotation[];
}

/** Decoded images at network size, one after the other. */
export interface ImageCache {
  classes: readonly string[];
  widthPx: number;
  heightPx: number;
  /** `[N, H, W, 3]` RGB, 8-bit; padding is grey 114 unless told otherwise. */
  pixels: Uint8Array;
  images: readonly CachedImage[];
  /** Images that could not be decoded, with why. */
  skipped: readonly { path: string; reason: string }[];
}

export interface ImageCacheOptions {
  widthPx: number;
  heightPx: number;
  padValue?: number;
  kernel?: ResizeKernel;
  /** Which image of a record to take: the picture, or its defect-free template (records without one are left out). */
  picture?: "image" | "reference";
  /** Put the pixels into shared memory, so that worker threads see them without a copy. */
  shared?: boolean;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** Images decoded at the same time. */
const IN_FLIGHT = 4;

/**
 * Decodes and letterboxes a whole dataset into memory (`3 * W * H` bytes an image).
 * Images that are corrupt are skipped, counted and named in `skipped`.
 * @throws DATA_EMPTY when no image is left, INTERRUPTED, DEPENDENCY_MISSING
 */
export async function loadImageCache(
  dataset: Dataset,
  {
    widthPx,
    heightPx,
    padValue = 114,
    kernel = "linear",
    picture = "image",
    shared = false,
    onProgress,
    signal,
  }: ImageCacheOptions,
): Promise<ImageCache> {
  const stride = widthPx * heightPx * 3;
  const sources = dataset.images.flatMap((record) => {
    const path = picture === "image" ? record.path : record.reference;
    return path === undefined ? [] : [{ record, path }];
  });
  const bytes = sources.length * stride;
  const pixels = shared ? new Uint8Array(new SharedArrayBuffer(bytes)) : new Uint8Array(bytes);
  const decoded: (CachedImage | undefined)[] = sources.map(() => undefined);
  const skipped: { path: string; reason: string }[] = [];
  let next = 0;
  let done = 0;
  const decodeSome = async (): Promise<void> => {
    for (let i = next++; i < sources.length; i = next++) {
      const source = sources[i];
      if (source === undefined) continue;
      const { record, path } = source;
      try {
        const boxed = await letterbox(path, {
          widthPx,
          heightPx,
          kernel,
          padValue,
          ...(signal === undefined ? {} : { signal }),
        });
        pixels.set(boxed.pixels, i * stride);
        const { transform } = boxed;
        decoded[i] = {
          id: record.id,
          path,
          transform,
          ...(record.annotations === undefined
            ? {}
            : {
                annotations: record.annotations.map((a) => ({
                  ...a,
                  box: toNetwork(a.box, transform),
                })),
              }),
        };
      } catch (error) {
        if (!isBadImage(error)) throw error;
        skipped.push({ path, reason: errorMessage(error) });
      }
      done++;
      if (done % 16 === 0 || done === sources.length)
        onProgress?.({
          stage: "decode",
          fraction: done / sources.length,
          message: `${String(done)}/${String(sources.length)} images${skipped.length === 0 ? "" : `, ${String(skipped.length)} skipped`}`,
        });
    }
  };
  throwIfAborted(signal, `decoding "${dataset.name}"`);
  await Promise.all(Array.from({ length: IN_FLIGHT }, decodeSome));
  const images = compact(decoded, pixels, stride);
  if (images.length === 0)
    throw new EdgeDistillError(
      "DATA_EMPTY",
      skipped.length === 0
        ? `"${dataset.name}" has no ${picture === "image" ? "images" : "reference images"}`
        : `None of the ${String(skipped.length)} images of "${dataset.name}" can be decoded; the first: ${skipped[0]?.reason ?? ""}`,
      {
        hint: "Check the images, or point to another folder.",
        details: { dataset: dataset.name, skipped },
      },
    );
  skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    classes: dataset.classes,
    widthPx,
    heightPx,
    pixels: pixels.subarray(0, images.length * stride),
    images,
    skipped,
  };
}

/** Source box → network box. */
export function toNetwork(box: BoxXyxyPx, transform: LetterboxTransform): BoxXyxyPx {
  const [xMin, yMin, xMax, yMax] = boxToNetwork(
    [box.xMin, box.yMin, box.xMax, box.yMax],
    transform,
  );
  return { xMin, yMin, xMax, yMax };
}

/** The pixels of one cached image: a view, `[H, W, 3]`. */
export function cachedPixels({ pixels, widthPx, heightPx }: ImageCache, index: number): Uint8Array {
  const stride = widthPx * heightPx * 3;
  return pixels.subarray(index * stride, (index + 1) * stride);
}

function isBadImage(error: unknown): boolean {
  return (
    error instanceof EdgeDistillError &&
    ["IMAGE_NOT_AN_IMAGE", "IMAGE_CORRUPT", "IMAGE_TOO_LARGE", "IO_NOT_FOUND"].includes(error.code)
  );
}

/** Closes the gaps that skipped images left, in order. */
function compact(
  decoded: readonly (CachedImage | undefined)[],
  pixels: Uint8Array,
  stride: number,
): CachedImage[] {
  const images: CachedImage[] = [];
  for (const [i, image] of decoded.entries()) {
    if (image === undefined) continue;
    if (images.length !== i)
      pixels.copyWithin(images.length * stride, i * stride, (i + 1) * stride);
    images.push(image);
  }
  return images;
}
