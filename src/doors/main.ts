/**
 * `edge-distill`: what an application on a device embeds.
 * @packageDocumentation
 */
export * from "../base/index.js";
export * from "../tensor/index.js";
export * from "../device/index.js";
export * from "../engine/index.js";
export * from "../image/index.js";
export * from "../decode/index.js";
export * from "../bundle/index.js";
export * from "../runtime/index.js";
export {
  openPublisher,
  redactUrl,
  startEmbeddedBroker,
  type EmbeddedBroker,
  type Publisher,
  type PublisherOptions,
} from "../stream/index.js";
