export * from "./ir/index.js";
export {
  createBuilder,
  defineOp,
  ELEMENT_TYPE,
  elementType,
  inferNode,
  inferShapes,
  opSpec,
  OPS,
  type InferenceReport,
  type OpSpec,
} from "./ops/index.js";
export {
  loadModel,
  parseModel,
  parseTensor,
  saveModel,
  serializeModel,
  serializeTensor,
  type ParseOptions,
} from "./proto/index.js";
