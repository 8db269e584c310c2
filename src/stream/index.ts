export { openPublisher, Publisher } from "./publisher.js";
export type {
  Birth,
  CloseReport,
  PublisherOptions,
  PublisherStats,
  Receipt,
} from "./publisher-options.js";
export type { DetectionColumns, FrameResult } from "./detections.js";
export { instantNow, probeClockQuality, type Instant } from "./clock.js";
export type { OutboxLimits } from "./outbox.js";
export { startEmbeddedBroker, type EmbeddedBroker } from "./embedded-broker.js";
export { redactUrl } from "../consumer/index.js";
export type { BrokerAccess, ReconnectOptions, TlsOptions } from "../consumer/index.js";
