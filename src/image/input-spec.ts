import { z } from "zod";

/** Resize kernels of libvips; every one antialiases when it shrinks. */
export const RESIZE_KERNELS = [
  "nearest",
  "linear",
  "cubic",
  "mitchell",
  "lanczos2",
  "lanczos3",
] as const;
export type ResizeKernel = (typeof RESIZE_KERNELS)[number];

const perChannel = z.tuple([z.number(), z.number(), z.number()]);

/** {@link InputSpec} as it stands in a manifest or a config. */
export const inputSpecSchema = z.strictObject({
  layout: z.enum(["nchw", "nhwc"]),
  dtype: z.enum(["float32", "uint8"]),
  widthPx: z.int().positive(),
  heightPx: z.int().positive(),
  channels: z.enum(["rgb", "bgr"]),
  scale: perChannel,
  mean: perChannel,
  kernel: z.enum(RESIZE_KERNELS),
  padValue: z.int().min(0).max(255),
});

/**
 * How pixels become a network's input: the same in training, calibration and on the device.
 * An 8-bit pixel `v` of network channel `c` becomes `(v - mean[c]) * scale[c]`; `mean` is in 0..255 units and both
 * follow the network's channel order (`channels`). With `dtype: "uint8"` pixels go in as they are (`mean` 0, `scale` 1).
 */
export interface InputSpec {
  layout: "nchw" | "nhwc";
  dtype: "float32" | "uint8";
  widthPx: number;
  heightPx: number;
  channels: "rgb" | "bgr";
  scale: [number, number, number];
  mean: [number, number, number];
  kernel: ResizeKernel;
  padValue: number;
}

/** A spec with the usual defaults: NCHW float32 RGB in [0, 1], linear kernel, grey 114 padding. */
export function inputSpec({
  layout = "nchw",
  dtype = "float32",
  widthPx,
  heightPx,
  channels = "rgb",
  scale = dtype === "uint8" ? [1, 1, 1] : [1 / 255, 1 / 255, 1 / 255],
  mean = [0, 0, 0],
  kernel = "linear",
  padValue = 114,
}: Pick<InputSpec, "widthPx" | "heightPx"> & Partial<InputSpec>): InputSpec {
  return { layout, dtype, widthPx, heightPx, channels, scale, mean, kernel, padValue };
}

/** `mean` and `scale` of ImageNet-trained backbones, for RGB. */
export const IMAGENET_NORMALIZATION: Readonly<Pick<InputSpec, "mean" | "scale">> = {
  mean: [123.675, 116.28, 103.53],
  scale: [1 / 58.395, 1 / 57.12, 1 / 57.375],
};
