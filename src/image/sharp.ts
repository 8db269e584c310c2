import type { Metadata, Sharp } from "sharp";
import { dependencyError, EdgeDistillError, errorMessage, readFileBytes } from "../base/index.js";
import { describeSource, type ImageSource, type RgbImage } from "./image.js";

type SharpModule = typeof import("sharp");

/** Pictures beyond this many pixels are refused before they are decoded (a 16k x 16k picture is 268 million). */
export const MAX_PIXELS = 268_402_689;

let loading: Promise<SharpModule["default"]> | undefined;

/**
 * Loads sharp when the first image comes. One thread an image and no cache: several images side by side use the
 * cores better, and memory stays flat.
 * @throws DEPENDENCY_MISSING
 */
export function loadSharp(): Promise<SharpModule["default"]> {
  loading ??= import("sharp").then(
    ({ default: sharp }) => {
      sharp.concurrency(1);
      sharp.cache(false);
      return sharp;
    },
    (error: unknown) => {
      loading = undefined;
      throw dependencyError("sharp", "reading images", error);
    },
  );
  return loading;
}

export interface OpenImageOptions {
  /** `strict` also refuses a file whose decoder only warns, as some cameras' JPEGs make it do. */
  tolerance?: "strict" | "lenient";
  maxPixels?: number;
}

/** An image on its way through sharp, upright, 8-bit sRGB without alpha; `widthPx` and `heightPx` are upright too. */
export interface OpenImage {
  image: Sharp;
  widthPx: number;
  heightPx: number;
}

/**
 * Opens a source: EXIF orientation applied, greys, CMYK and 16 bits turned to 8-bit sRGB, alpha dropped (as OpenCV and
 * Pillow do when asked for RGB). Of an animation, the first frame. What is not plain 8-bit is decoded at once, so that
 * resizing and padding see the same pixels as after decoding.
 * @throws IO_NOT_FOUND, IO_FAILED, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, IMAGE_SIZE
 */
export async function openImage(
  source: ImageSource,
  options: OpenImageOptions = {},
): Promise<OpenImage> {
  if (isRgbImage(source)) {
    expectPixels(source);
    const sharp = await loadSharp();
    const { pixels, widthPx, heightPx } = source;
    const raw = { width: widthPx, height: heightPx, channels: 3 as const };
    return { image: sharp(pixels, { raw }), widthPx, heightPx };
  }
  const { opened, metadata } = await openEncoded(source, options);
  const { autoOrient, hasAlpha, depth, space } = metadata;
  const image = opened.autoOrient().toColourspace("srgb").removeAlpha();
  const plain = !hasAlpha && depth === "uchar" && (space === "srgb" || space === "b-w");
  return plain
    ? { image, widthPx: autoOrient.width, heightPx: autoOrient.height }
    : await openImage(await rawPixels(image, source));
}

/** Opens an encoded image and reads its header. @throws as {@link openImage} */
export async function openEncoded(
  source: string | Uint8Array,
  { tolerance = "strict", maxPixels = MAX_PIXELS }: OpenImageOptions = {},
): Promise<{ opened: Sharp; metadata: Metadata }> {
  const sharp = await loadSharp();
  const bytes = typeof source === "string" ? await readFileBytes(source) : source;
  try {
    const opened = sharp(bytes, {
      failOn: tolerance === "strict" ? "warning" : "truncated",
      limitInputPixels: maxPixels,
      sequentialRead: true,
    });
    return { opened, metadata: await opened.metadata() };
  } catch (error) {
    throw imageError(source, error);
  }
}

/** Runs a pipeline to raw pixels. @throws IMAGE_CORRUPT, IMAGE_TOO_LARGE */
export async function rawPixels(image: Sharp, source: ImageSource): Promise<RgbImage> {
  try {
    const { data, info } = await image
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width: widthPx, height: heightPx } = info;
    return {
      pixels: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      widthPx,
      heightPx,
    };
  } catch (error) {
    throw imageError(source, error);
  }
}

export function isRgbImage(source: ImageSource): source is RgbImage {
  return typeof source === "object" && "pixels" in source;
}

/** @throws IMAGE_SIZE when the pixels do not fill the declared size */
export function expectPixels({ pixels, widthPx, heightPx }: RgbImage): void {
  if (pixels.length === widthPx * heightPx * 3 && pixels.length > 0) return;
  throw new EdgeDistillError(
    "IMAGE_SIZE",
    `An RGB image of ${String(widthPx)}x${String(heightPx)} has ${String(widthPx * heightPx * 3)} bytes, got ${String(pixels.length)}`,
    {
      hint: "Pass three bytes a pixel, row by row.",
      details: { widthPx, heightPx, bytes: pixels.length },
    },
  );
}

/** Sorts sharp's failures into ours. */
export function imageError(source: ImageSource, error: unknown): EdgeDistillError {
  if (error instanceof EdgeDistillError) return error;
  const name = describeSource(source);
  const reason = errorMessage(error).replace(/^Unknown error$/, "its data ends early");
  const details = { image: name };
  if (/unsupported image format|is empty|corrupt header: .*not (a|in)/i.test(reason))
    return new EdgeDistillError("IMAGE_NOT_AN_IMAGE", `Not an image: ${name} (${reason})`, {
      hint: "Remove it from the folder, or convert it to JPEG or PNG.",
      details,
      cause: error,
    });
  if (/pixel limit|too large|exceeds/i.test(reason))
    return new EdgeDistillError("IMAGE_TOO_LARGE", `The image is too large: ${name} (${reason})`, {
      hint: "Cut it into tiles, or raise maxPixels.",
      details,
      cause: error,
    });
  return new EdgeDistillError("IMAGE_CORRUPT", `The image is damaged: ${name} (${reason})`, {
    hint: "Copy the file again from its origin, or leave it out.",
    details,
    cause: error,
  });
}
