export { loadModel, parseModel, saveModel, serializeModel, type ParseOptions } from "./model.js";
export { parseTensor, serializeTensor } from "./tensor.js";
