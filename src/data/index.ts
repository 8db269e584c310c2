export {
  DEFAULT_AUGMENT,
  NO_AUGMENT,
  augmentSample,
  sampleRng,
  type AugmentOptions,
  type CropOptions,
  type SampleKey,
} from "./augment.js";
export {
  createBatches,
  createCorruptedBatches,
  type Batch,
  type Batches,
  type BatchOptions,
  type CorruptedBatch,
} from "./batches.js";
export { CORRUPTION_KINDS, DEFAULT_CORRUPT, type CorruptOptions } from "./corrupt.js";
export {
  countByClass,
  labelledImages,
  splitByGroup,
  takeLabelled,
  withoutLabels,
  type Annotation,
  type BoxXyxyPx,
  type Dataset,
  type ImageRecord,
} from "./dataset.js";
export {
  cachedPixels,
  loadImageCache,
  type CachedImage,
  type ImageCache,
  type ImageCacheOptions,
} from "./image-cache.js";
export { cocoJson } from "./load/coco-json.js";
export { DEEPPCB_CLASSES } from "./load/deeppcb.js";
export {
  DATASET_FORMATS,
  loadDataset,
  type DatasetFormat,
  type DatasetSource,
} from "./load/load-dataset.js";
export type { LoadedDataset, LoadWarnings } from "./load/loaded.js";
export { VOC_SPLIT_SEED } from "./load/voc.js";
export { defectBank, type DefectBank } from "./paste.js";
export { renderAerialFrame, renderAerialSet } from "./render/aerial-frame.js";
export { AERIAL_CLASSES } from "./render/aerial-scene.js";
export {
  LINE_CLASSES,
  renderLineFrame,
  type LineFrame,
  type RenderedFrame,
} from "./render/line-frame.js";
export { renderLineSet } from "./render/line-set.js";
export type { RenderCounts, RenderedSet, RenderSetOptions } from "./render/write-set.js";
