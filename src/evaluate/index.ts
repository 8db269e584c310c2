export {
  bootstrapInterval,
  pairedBootstrapInterval,
  type BootstrapOptions,
  type Interval,
} from "./bootstrap.js";
export {
  COCO_AREA_RANGES,
  COCO_IOU_THRESHOLDS,
  RECALL_POINTS,
  type AreaRange,
  type TruthBox,
} from "./coco-protocol.js";
export { compareOutputs, compareTensors, type OutputDifference } from "./compare-outputs.js";
export { evaluateDeepPcb, type DeepPcbMetrics } from "./deeppcb-metric.js";
export {
  evaluateDetections,
  type AreaMetrics,
  type ClassMetrics,
  type DetectionMetrics,
  type EvaluateOptions,
} from "./evaluate-detections.js";
export {
  measureInterleaved,
  measureLatency,
  type Latency,
  type LatencyOptions,
  type TimedSession,
} from "./latency.js";
export { judgeImages, worstImages, type ImageOutcome } from "./mistakes.js";
export type { OperatingPoint, PrecisionRecall } from "./precision-recall.js";
export { detectDataset, type DetectDatasetOptions } from "./detect-dataset.js";
export {
  detectByThreshold,
  tuneThresholdBaseline,
  type LabelledPicture,
  type ThresholdBaseline,
} from "./threshold-baseline.js";
