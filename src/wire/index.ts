export {
  bootIdSchema,
  idSchema,
  modelSchema,
  sha256Schema,
  streamNameSchema,
  type ModelIdentity,
} from "./identity.js";
export {
  DEVICE_KINDS,
  MESSAGE_KINDS,
  STREAM_KINDS,
  deviceAddressSchema,
  deviceSource,
  formatTopic,
  isStreamKind,
  parseTopic,
  topicFilter,
  type DeviceAddress,
  type DeviceKind,
  type MessageKind,
  type StreamKind,
  type Topic,
  type TopicFilter,
} from "./topic.js";
export {
  birthSchema,
  detectionsSchema,
  stateSchema,
  statsSchema,
  type BirthPayload,
  type DetectionsPayload,
  type StatePayload,
  type StatsPayload,
} from "./payload.js";
export {
  messageKind,
  messageSchemas,
  messageType,
  type BirthMessage,
  type DetectionsMessage,
  type Message,
  type MessageOf,
  type StateMessage,
  type StatsMessage,
} from "./message.js";
export {
  clockQualitySchema,
  messageId,
  traceSchema,
  type ClockQuality,
  type Trace,
} from "./trace.js";
export { CONTENT_TYPE, decodeMessage, encodeMessage } from "./codec.js";
export { messageJsonSchemas, type JsonSchema } from "./json-schema.js";
