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
