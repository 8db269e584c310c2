export { emptyDetections, filterByScore, selectDetections, type Detections } from "./detections.js";
export { nonMaxSuppression, type NmsOptions } from "./nms.kernel.js";
export { DECODERS, decodeDetections, defineDecoder, type Decoder, type DecodeSpec } from "./decoders.js";
