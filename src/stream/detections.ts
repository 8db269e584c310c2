import type { DetectionsPayload, ModelIdentity } from "../wire/index.js";
import type { Instant } from "./clock.js";

/** Results of a frame by columns, as the decoder makes them. */
export interface DetectionColumns {
  readonly count: number;
  /** `[count * 4]` left, top, right, bottom, pixels of the source image. */
  readonly boxes: Float32Array;
  readonly boxFormat: "xyxy-px";
  /** `[count]`, 0 to 1. */
  readonly scores: Float32Array;
  /** `[count]` */
  readonly classIds: Int32Array;
}

/** What the runtime knows of one frame when it is done with it. */
export interface FrameResult {
  frame: { id: string; widthPx: number; heightPx: number; sha256?: string };
  /** When the frame was captured; default: when it is published. */
  capturedAt?: Instant;
  detections: DetectionColumns;
  /** Default: the model of the birth message. */
  model?: ModelIdentity;
  /** Milliseconds by stage: `{ decode, run, … }`. */
  latencyMs?: Readonly<Record<string, number>>;
}

/**
 * Frame result → payload, without the trace. Boxes are rounded to 0.01 px, scores to 0.0001 and latencies to a
 * microsecond: what float32 adds beyond that is no information and doubles the size.
 */
export function detectionsPayload(
  { frame, detections, latencyMs = {} }: FrameResult,
  model: ModelIdentity,
): Omit<DetectionsPayload, "trace"> {
  const { count, boxes, boxFormat, scores, classIds } = detections;
  return {
    frame,
    model: { sha256: model.sha256, variant: model.variant },
    latencyMs: Object.fromEntries(
      Object.entries(latencyMs).map(([stage, ms]) => [stage, rounded(ms, 1000)]),
    ),
    boxFormat,
    count,
    boxes: Array.from(boxes, (value) => rounded(value, 100)),
    scores: Array.from(scores, (value) => rounded(value, 10_000)),
    classIds: Array.from(classIds),
  };
}

function rounded(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}
