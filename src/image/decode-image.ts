import { throwIfAborted } from "../base/index.js";
import { describeSource, type RgbImage } from "./image.js";
import { openEncoded, openImage, rawPixels, type OpenImageOptions } from "./sharp.js";

export interface DecodeOptions extends OpenImageOptions {
  signal?: AbortSignal;
}

/**
 * Decodes an image to 8-bit sRGB, upright, without alpha.
 * @param source a path or the bytes of a JPEG, PNG, WebP, TIFF, GIF or AVIF
 * @throws IO_NOT_FOUND, IO_FAILED, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, INTERRUPTED, DEPENDENCY_MISSING
 */
export async function decodeImage(
  source: string | Uint8Array,
  { signal, ...options }: DecodeOptions = {},
): Promise<RgbImage> {
  throwIfAborted(signal, `decoding ${describeSource(source)}`);
  const { image } = await openImage(source, options);
  const decoded = await rawPixels(image, source);
  throwIfAborted(signal, `decoding ${describeSource(source)}`);
  return decoded;
}

/**
 * Upright size of an image, from its header alone.
 * @throws IO_NOT_FOUND, IO_FAILED, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, DEPENDENCY_MISSING
 */
export async function imageSize(
  source: string | Uint8Array,
): Promise<{ widthPx: number; heightPx: number }> {
  const { metadata } = await openEncoded(source);
  return { widthPx: metadata.autoOrient.width, heightPx: metadata.autoOrient.height };
}
