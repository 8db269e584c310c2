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
export {
  detectionGallery,
  mistakesGallery,
  type GalleryOptions,
  type GallerySource,
} from "./report/detection-gallery.js";
export { areaTable, classTable, precisionRecallChart } from "./report/detection-sections.js";
export { formatValue } from "./report/format.js";
export { renderReport } from "./report/render-report.js";
export type {
  Axis,
  BoxRole,
  Cell,
  Chart,
  ChartSection,
  Column,
  GallerySection,
  Highlight,
  NoteSection,
  NumberFormat,
  Picture,
  PictureBox,
  Point,
  Report,
  ReportSection,
  Series,
  TableSection,
  Tone,
} from "./report/report.js";
export {
  runReport,
  type LossCurve,
  type ModelRow,
  type RunSummary,
  type StageRow,
  type StreamCounts,
  type VariantRow,
} from "./report/run-report.js";
