export { decodeDetections, type DecodeSpec } from "./decode-detections.js";
export {
  DECODERS,
  defineDecoder,
  findDecoder,
  type Decoder,
  type DecoderContext,
  type OutputTensors,
} from "./decoders.js";
export { emptyDetections, filterByScore, selectDetections, type Detections } from "./detections.js";
export { nonMaxSuppression, type NmsOptions } from "./nms.kernel.js";
