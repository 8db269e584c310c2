import type { LetterboxTransform } from "../image/index.js";
import { toSourceBoxes } from "./candidates.kernel.js";
import { DECODERS, findDecoder, type Decoder, type OutputTensors } from "./decoders.js";
import { filterByScore, selectDetections, type Detections } from "./detections.js";
import { nonMaxSuppression } from "./nms.kernel.js";

/** How a model's outputs are read: part of what travels with the model. */
export interface DecodeSpec {
  /** Id in {@link DECODERS}. */
  decoder: string;
  classCount: number;
  /** Network input size. */
  widthPx: number;
  heightPx: number;
  /** Default 0.25: what a person looks at. For mean average precision take 0.001 to 0.01. */
  scoreThreshold?: number;
  /** Default 0.6. */
  iouThreshold?: number;
  /** Default 300. */
  maxDetections?: number;
}

/**
 * Model outputs of one image → detections in px of the source image, best first: decode, suppress, undo the letterbox,
 * clip to the image. A box that has no area inside the image, or is not finite, is left out.
 * @param outputs what the session gave for a batch of one
 * @param transform the letterbox that the image went through
 * @throws DECODE_SHAPE, DECODE_UNKNOWN
 */
export function decodeDetections(
  outputs: OutputTensors,
  spec: DecodeSpec,
  transform: LetterboxTransform,
  { decoders = DECODERS }: { decoders?: readonly Decoder[] } = {},
): Detections {
  const { scoreThreshold = 0.25, iouThreshold = 0.6, maxDetections = 300 } = spec;
  const decoder = findDecoder(spec.decoder, decoders);
  const { classCount, widthPx, heightPx } = spec;
  const candidates = decoder.collect(outputs, { classCount, widthPx, heightPx, scoreThreshold });
  const kept = nonMaxSuppression(
    decoder.suppress ? candidates : filterByScore(candidates, scoreThreshold),
    { iouThreshold: decoder.suppress ? iouThreshold : Infinity, maxDetections },
  );
  const { boxes, rows } = toSourceBoxes(kept, transform);
  const inSource = { ...kept, boxes };
  return rows.length === kept.count ? inSource : selectDetections(inSource, rows);
}
