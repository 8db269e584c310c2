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
  type PublishOutcome,
  type TlsOptions,
} from "./broker-connection.js";
export { BrokerLink, type LinkOptions, type ReconnectOptions } from "./broker-link.js";
export { redactUrl } from "./broker-url.js";
export * from "../wire/index.js";
