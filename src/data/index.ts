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
export {
  LINE_CLASSES,
  renderLineFrame,
  type LineFrame,
  type RenderedFrame,
} from "./render/line-frame.js";
export { renderLineSet } from "./render/line-set.js";
export type { RenderCounts, RenderedSet, RenderSetOptions } from "./render/write-set.js";
