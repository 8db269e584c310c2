import { expectPixels, loadSharp } from "./sharp.js";

/**
 * Encodes RGB pixels (HWC, 8-bit). The same pixels give the same bytes with the same version of sharp.
 * @param quality JPEG quality, 1 to 100; chroma is not subsampled from 90 on
 * @throws IMAGE_SIZE, DEPENDENCY_MISSING
 */
export async function encodeImage(
  pixels: Uint8Array,
  {
    widthPx,
    heightPx,
    format = "jpeg",
    quality = 90,
  }: { widthPx: number; heightPx: number; format?: "jpeg" | "png"; quality?: number },
): Promise<Uint8Array> {
  expectPixels({ pixels, widthPx, heightPx });
  const sharp = await loadSharp();
  const image = sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } });
  const encoded =
    format === "png"
      ? image.png({ compressionLevel: 6 })
      : image.jpeg({ quality, chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0" });
  const bytes = await encoded.toBuffer();
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
