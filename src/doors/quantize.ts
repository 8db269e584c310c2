/**
 * `edge-distill/quantize`: integer variants of a model, per target, with what the engine really runs.
 * @packageDocumentation
 */
export { EdgeDistillError, ERROR_CODES, type ErrorCode } from "../base/index.js";
export * from "../quantize/index.js";
