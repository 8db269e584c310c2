export {
  COCO_AREA_RANGES,
  COCO_IOU_THRESHOLDS,
  evaluateDetections,
  type AreaRange,
  type ClassPrecision,
  type DetectionMap,
  type DetectionMapOptions,
} from "./detection-map.js";
export { boxIou, matchGreedy } from "./match.kernel.js";
export { detectDataset, type DetectDatasetOptions } from "./detect-dataset.js";
