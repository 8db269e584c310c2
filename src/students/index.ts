export {
  ARCHITECTURES,
  architecture,
  STRIDES,
  type Architecture,
  type ArchitectureId,
} from "./architecture.js";
export { anchorGrid, type AnchorGrid } from "./anchors.js";
export { assignTargets, emptyTargets, type DetectionTargets } from "./assign.kernel.js";
export type { Pyramid } from "./backbone.js";
export {
  denseDetections,
  detector,
  type DetectorOptions,
  type DetectorOutputs,
} from "./detector.js";
export {
  detectionLoss,
  distanceIou,
  featureLoss,
  responseLoss,
  type DetectionLoss,
  type DetectionLossInputs,
} from "./detect-loss.js";
export { channelsOf, conv, convBnRelu, outputConv } from "./layers.js";
