import { buildInferenceGraph, type Weights } from "../train/index.js";
import type { Model } from "../onnx/index.js";
import { denseDetections, detector, type Architecture } from "../students/index.js";

export interface ExportOptions {
  weights: Weights;
  architecture: Architecture;
  classCount: number;
  widthPx: number;
  heightPx: number;
  /** A number for the device, a name such as "N" for a free batch. Default 1. */
  batch?: number | string;
  /** Also put out the stride-8 map, as a teacher does. */
  features?: boolean;
}

/** Value of the metadata entry `pixels`: RGB in [0, 1], nothing subtracted. */
export const UNIT_PIXELS = "rgb-unit";

/**
 * Writes a trained detector as an inference graph: `images` float32 `[batch, 3, H, W]` RGB in [0, 1] in,
 * `detections` `[batch, A, 4 + C]` out (boxes xyxy in network px, class scores).
 */
export function exportDetector({
  weights,
  architecture,
  classCount,
  widthPx,
  heightPx,
  batch = 1,
  features = false,
}: ExportOptions): Model {
  return buildInferenceGraph({
    weights,
    metadata: { architecture: architecture.id, task: "detect", pixels: UNIT_PIXELS },
    build: (ctx) => {
      const images = ctx.b.input("images", "float32", [batch, 3, heightPx, widthPx]);
      const out = detector(ctx, images, { architecture, classCount, widthPx, heightPx });
      return {
        detections: denseDetections(ctx, out),
        ...(features ? { features: out.pyramid[0] } : {}),
      };
    },
  });
}
