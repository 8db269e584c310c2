/**
 * `edge-distill/consumer`: detections of devices as typed messages. Loads without ONNX Runtime and sharp.
 * @packageDocumentation
 */
export { EdgeDistillError, ERROR_CODES, type ErrorCode } from "../base/index.js";
export * from "../consumer/index.js";
