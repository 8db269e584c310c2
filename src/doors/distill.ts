/**
 * `edge-distill/distill`: data sets, students, training and distillation.
 * @packageDocumentation
 */
export { EdgeDistillError, ERROR_CODES, type ErrorCode } from "../base/index.js";
export * from "../data/index.js";
export * from "../evaluate/index.js";
export * from "../students/index.js";
export * from "../train/index.js";
export * from "../distill/index.js";
