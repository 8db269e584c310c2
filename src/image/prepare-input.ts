import type { HostTensor } from "../tensor/index.js";
import type { ImageSource } from "./image.js";
import type { InputSpec } from "./input-spec.js";
import { letterbox, type LetterboxOptions } from "./letterbox.js";
import { packedLength, packImage } from "./pack.kernel.js";
import type { LetterboxTransform } from "./transform.js";

/** Dimensions of a batch of `count` packed images. */
export function inputDims({ layout, widthPx, heightPx }: InputSpec, count = 1): number[] {
  return layout === "nchw" ? [count, 3, heightPx, widthPx] : [count, heightPx, widthPx, 3];
}

/**
 * From image to a network's input in one call: letterbox, then pack.
 * @param out a buffer to reuse; it must not belong to a run that is still under way
 * @throws what {@link letterbox} and {@link packImage} throw
 */
export async function prepareInput(
  source: ImageSource,
  spec: InputSpec,
  {
    out,
    ...options
  }: { out?: Float32Array | Uint8Array } & Pick<
    LetterboxOptions,
    "signal" | "tolerance" | "maxPixels" | "shrinkOnLoad"
  > = {},
): Promise<{ tensor: HostTensor<"float32"> | HostTensor<"uint8">; transform: LetterboxTransform }> {
  const { widthPx, heightPx, kernel, padValue } = spec;
  const { pixels, transform } = await letterbox(source, {
    widthPx,
    heightPx,
    kernel,
    padValue,
    ...options,
  });
  const length = packedLength(spec);
  const buffer =
    out ?? (spec.dtype === "uint8" ? new Uint8Array(length) : new Float32Array(length));
  const data = packImage(pixels, spec, buffer).subarray(0, length);
  const dims = inputDims(spec);
  const tensor =
    data instanceof Uint8Array
      ? { dtype: "uint8" as const, dims, data }
      : { dtype: "float32" as const, dims, data };
  return { tensor, transform };
}
