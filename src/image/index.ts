export { decodeImage, imageSize, type DecodeOptions } from "./decode-image.js";
export { encodeImage } from "./encode-image.js";
export type { ImageSource, RgbImage } from "./image.js";
export {
  IMAGENET_NORMALIZATION,
  inputSpec,
  inputSpecSchema,
  RESIZE_KERNELS,
  type InputSpec,
  type ResizeKernel,
} from "./input-spec.js";
export { letterbox, type Letterboxed, type LetterboxOptions } from "./letterbox.js";
export { packedLength, packImage, packNchw } from "./pack.kernel.js";
export { inputDims, prepareInput } from "./prepare-input.js";
export {
  boxToNetwork,
  boxToSource,
  letterboxTransform,
  type LetterboxGeometry,
  type LetterboxTransform,
  type XyxyPx,
} from "./transform.js";
