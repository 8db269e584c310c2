import { throwIfAborted } from "../base/index.js";
import { describeSource, type ImageSource, type RgbImage } from "./image.js";
import type { ResizeKernel } from "./input-spec.js";
import { openImage, rawPixels, type OpenImage, type OpenImageOptions } from "./sharp.js";
import { letterboxTransform, type LetterboxTransform } from "./transform.js";

export interface LetterboxOptions extends OpenImageOptions {
  widthPx: number;
  heightPx: number;
  kernel?: ResizeKernel;
  /** Grey level of the border, 0..255. */
  padValue?: number;
  /** Let the JPEG decoder shrink by a power of two first: faster; pixels differ slightly from a resize of the whole. */
  shrinkOnLoad?: boolean;
  signal?: AbortSignal;
}

export interface Letterboxed extends RgbImage {
  transform: LetterboxTransform;
}

/**
 * Fits an image centred into a box without changing its shape, the rest filled with grey.
 * The resize is libvips': it antialiases when it shrinks. Training, calibration and the device all come through here.
 * @throws IO_NOT_FOUND, IO_FAILED, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, IMAGE_SIZE, INTERRUPTED,
 *   DEPENDENCY_MISSING
 */
export async function letterbox(
  source: ImageSource,
  {
    widthPx,
    heightPx,
    kernel = "linear",
    padValue = 114,
    shrinkOnLoad = true,
    signal,
    ...open
  }: LetterboxOptions,
): Promise<Letterboxed> {
  throwIfAborted(signal, `resizing ${describeSource(source)}`);
  const opened = await openWhole(source, { shrinkOnLoad, ...open });
  const { innerWidthPx, innerHeightPx, ...transform } = letterboxTransform(opened, {
    widthPx,
    heightPx,
  });
  const fitted =
    innerWidthPx === opened.widthPx && innerHeightPx === opened.heightPx
      ? opened.image
      : opened.image.resize(innerWidthPx, innerHeightPx, { fit: "fill", kernel });
  const right = widthPx - innerWidthPx - transform.padXPx;
  const bottom = heightPx - innerHeightPx - transform.padYPx;
  const padded =
    innerWidthPx === widthPx && innerHeightPx === heightPx
      ? fitted
      : fitted.extend({
          left: transform.padXPx,
          top: transform.padYPx,
          right,
          bottom,
          background: { r: padValue, g: padValue, b: padValue },
        });
  const pixels = await rawPixels(padded, source);
  throwIfAborted(signal, `resizing ${describeSource(source)}`);
  return { ...pixels, transform };
}

/** sharp always lets a JPEG shrink while it loads, so that without it the pixels are decoded first. */
async function openWhole(
  source: ImageSource,
  { shrinkOnLoad, ...open }: OpenImageOptions & { shrinkOnLoad: boolean },
): Promise<OpenImage> {
  const opened = await openImage(source, open);
  return shrinkOnLoad ? opened : openImage(await rawPixels(opened.image, source));
}
