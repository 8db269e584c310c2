export {
  Consumer,
  openConsumer,
  type ConsumerCounters,
  type ConsumerOptions,
  type DeadLetter,
  type Delivery,
} from "./consumer.js";
export type { Gap } from "./message-ledger.js";
export {
  BrokerConnection,
  connectBroker,
  type BrokerAccess,
  type ConnectOptions,
  type TlsOptions,
} from "./broker-connection.js";
export type { PublishOutcome } from "./broker-error.js";
export { BrokerLink, type LinkOptions, type ReconnectOptions } from "./broker-link.js";
export { redactUrl } from "./broker-url.js";
export * from "../wire/index.js";
