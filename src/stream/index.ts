export {
  openPublisher,
  Publisher,
  type Birth,
  type CloseReport,
  type PublisherOptions,
  type PublisherStats,
  type Receipt,
} from "./publisher.js";
export type { DetectionColumns, FrameResult } from "./detections.js";
export { instantNow, probeClockQuality, type Instant } from "./clock.js";
export type { OutboxLimits } from "./outbox.js";
export { startEmbeddedBroker, type EmbeddedBroker } from "./embedded-broker.js";
export { redactUrl } from "../consumer/index.js";
export type { BrokerAccess, ReconnectOptions, TlsOptions } from "../consumer/index.js";
