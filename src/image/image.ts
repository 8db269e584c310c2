/** An 8-bit sRGB image, row by row, three bytes a pixel (HWC, RGB). `pixels.length` is `widthPx * heightPx * 3`. */
export interface RgbImage {
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
}

/** A path, an encoded image's bytes, or decoded pixels. */
export type ImageSource = string | Uint8Array | RgbImage;

/** The name an error gives a source. */
export function describeSource(source: ImageSource): string {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array) return `image of ${String(source.byteLength)} bytes in memory`;
  return `pixels ${String(source.widthPx)}x${String(source.heightPx)} in memory`;
}
