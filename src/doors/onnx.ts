/**
 * `edge-distill/onnx`: the graph IR, its builder, and model files.
 * @packageDocumentation
 */
export { EdgeDistillError, ERROR_CODES, type ErrorCode } from "../base/index.js";
export * from "../tensor/index.js";
export * from "../onnx/index.js";
