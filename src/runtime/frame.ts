import type { Detections } from "../decode/index.js";
import type { ImageSource } from "../image/index.js";
import type { ClockQuality } from "../wire/index.js";

/** When a frame was taken, by both clocks of the device. */
export interface CapturedAt {
  /** Milliseconds since 1970, by the wall clock. */
  wallMs: number;
  /** Of `process.hrtime.bigint()`: nanoseconds that never jump. */
  monotonicNs: bigint;
  /** How far the wall clock can be trusted. */
  quality: ClockQuality;
}

/** Now, as the time of a capture. */
export function captureTime(quality: ClockQuality = "unknown"): CapturedAt {
  return { wallMs: Date.now(), monotonicNs: process.hrtime.bigint(), quality };
}

/** One picture on its way in. Its bytes or pixels must stay unchanged until its result is there. */
export interface Frame {
  /** The source's name of the frame: a file, or a running number. */
  id: string;
  capturedAt: CapturedAt;
  /** A path, an encoded image's bytes, or decoded RGB pixels. */
  image: ImageSource;
}

/** Where frames come from. */
export interface FrameSource {
  /** For events and errors. */
  readonly name: string;
  /** Frames in the order of their capture. Ends early, without an error, when the signal fires. */
  frames(options: { signal: AbortSignal }): AsyncIterable<Frame>;
}

/** What a frame goes through, in order. */
export const STAGES = ["source", "decode", "queue", "infer", "decodeOutput", "total"] as const;
export type Stage = (typeof STAGES)[number];

/**
 * Milliseconds a frame spent in each stage: from capture until the pipeline took it (`source`), decode, letterbox and
 * packing (`decode`), all waiting for a place (`queue`), the model (`infer`), outputs to detections (`decodeOutput`), and
 * from capture to the result (`total`). The last is the sum of the others.
 */
export type StagesMs = Readonly<Record<Stage, number>>;

/** What the runtime knows of a frame when it is done with it. */
export interface FrameResult {
  frameId: string;
  /** Running number within the stream, from 0. A gap is a frame that failed or was dropped; there is an event for each. */
  sequence: number;
  capturedAt: CapturedAt;
  /** Size of the upright source image, which the boxes refer to. */
  widthPx: number;
  heightPx: number;
  detections: Detections;
  /** Name of the bundle's variant that ran. */
  variant: string;
  /** SHA-256 of that variant's file. */
  modelHash: string;
  stagesMs: StagesMs;
}

/** A result in the form that a publisher takes: `publisher.publishDetections("camera-1", publishable(result))`. */
export function publishable({
  frameId,
  capturedAt,
  widthPx,
  heightPx,
  detections,
  variant,
  modelHash,
  stagesMs,
}: FrameResult): {
  frame: { id: string; widthPx: number; heightPx: number };
  capturedAt: { wallTime: Date; monotonicNs: bigint };
  detections: Detections;
  model: { sha256: string; variant: string };
  latencyMs: StagesMs;
} {
  return {
    frame: { id: frameId, widthPx, heightPx },
    capturedAt: {
      wallTime: new Date(capturedAt.wallMs),
      monotonicNs: capturedAt.monotonicNs,
    },
    detections,
    model: { sha256: modelHash, variant },
    latencyMs: stagesMs,
  };
}
