/**
 * `edge-distill`: what a device application embeds.
 * @packageDocumentation
 */
export * from "../base/index.js";
export * from "../tensor/index.js";
export * from "../bundle/index.js";
