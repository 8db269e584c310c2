import type { OnProgress } from "../base/index.js";
import type { Dataset } from "../data/index.js";
import type { Detections } from "../decode/index.js";
import type { Engine } from "../engine/index.js";
import {
  COCO_IOU_THRESHOLDS,
  detectDataset,
  evaluateDetections,
  type DetectionMetrics,
} from "../evaluate/index.js";
import { inputSpec, type InputSpec } from "../image/index.js";
import type { JobConfig } from "./config.js";

/** Detections below this are left out of the precision-recall curve. */
export const EVALUATION_SCORE = 0.01;
export const NMS_IOU = 0.55;
export const DECODER = "edge-distill-dense";

/** A network's detections on the held-out images, and what they are worth. */
export interface Judged {
  metrics: DetectionMetrics;
  /** Mean average precision at the job's IoU threshold. */
  map: number;
  detections: readonly Detections[];
}

/** How this job's networks take their pixels. */
export function jobInput({ input }: JobConfig): InputSpec {
  return inputSpec({ widthPx: input.widthPx, heightPx: input.heightPx });
}

/** Judges detections of the held-out images at the job's IoU threshold. */
export function judgeDetections(
  { heldOut }: { heldOut: Dataset },
  { evaluation }: JobConfig,
  detections: readonly Detections[],
): Judged {
  const truths = heldOut.images.map((image) => image.annotations ?? []);
  const metrics = evaluateDetections(truths, detections, {
    classCount: heldOut.classes.length,
    // at COCO's first threshold the mean over its ten comes for nothing
    iouThresholds:
      evaluation.iouThreshold === 0.5 ? COCO_IOU_THRESHOLDS : [evaluation.iouThreshold],
  });
  return { metrics, map: metrics.mapAt[0] ?? NaN, detections };
}

/** Runs a model over the held-out images and judges it. @throws ENGINE_LOAD, ENGINE_RUN, DECODE_SHAPE */
export async function judgeModel(
  model: Uint8Array,
  data: { heldOut: Dataset },
  config: JobConfig,
  {
    engine,
    name,
    onProgress,
    signal,
  }: { engine: Engine; name: string; onProgress: OnProgress; signal?: AbortSignal },
): Promise<Judged> {
  await using session = await engine.createSession(model, { name, intraOpThreads: 2 });
  const detections = await detectDataset(session, data.heldOut, {
    input: jobInput(config),
    decoder: { decoder: DECODER, scoreThreshold: EVALUATION_SCORE, iouThreshold: NMS_IOU },
    stage: `evaluate ${name}`,
    onProgress,
    ...(signal ? { signal } : {}),
  });
  return judgeDetections(data, config, detections);
}

/** Where no class has an operating point to go by. */
const FALLBACK_SCORE = 0.5;

/**
 * The score from which the device reports a detection: the lowest of the classes' thresholds of best F1, on the labelled
 * training images. The held-out images stay out of it. Rounded down to a hundredth.
 */
export async function fitScoreThreshold(
  model: Uint8Array,
  { labelled }: { labelled: Dataset },
  config: JobConfig,
  options: Parameters<typeof judgeModel>[3],
): Promise<number> {
  const { metrics } = await judgeModel(model, { heldOut: labelled }, config, options);
  const thresholds = metrics.classes.flatMap(({ best }) => (best ? [best.scoreThreshold] : []));
  const lowest = thresholds.length === 0 ? FALLBACK_SCORE : Math.min(...thresholds);
  return Math.max(EVALUATION_SCORE, Math.floor(lowest * 100) / 100);
}
