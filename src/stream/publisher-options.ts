import type { Logger } from "../base/index.js";
import type { BrokerAccess, ReconnectOptions } from "../consumer/index.js";
import type { BirthPayload, ClockQuality, DeviceAddress } from "../wire/index.js";
import type { OutboxLimits } from "./outbox.js";

/** What a device says of itself; the rest of the birth message the publisher knows. */
export type Birth = Pick<BirthPayload, "software" | "streams" | "classNames" | "model" | "profile">;

export interface PublisherOptions extends BrokerAccess, ReconnectOptions, DeviceAddress {
  birth: Birth;
  /** Default `ed-` and the device's id. No two clients of a broker may share it. */
  clientId?: string;
  outbox?: OutboxLimits;
  /** A full outbox makes `publish…()` wait for room (`wait`, the default), or fail with STREAM_OUTBOX_FULL (`reject`). */
  whenFull?: "wait" | "reject";
  /** Messages sent before the first is answered, unless the broker allows fewer. Default 64. */
  maxInFlight?: number;
  /** For the first connection. Default 5000. */
  connectTimeoutMs?: number;
  /** Do not wait for the first connection: a device may start before its broker. Default false. */
  startOffline?: boolean;
  /** How often counters are published; 0 for never. Default 30,000. */
  statsIntervalMs?: number;
  /** How far the wall clock can be trusted, asked for every message. Default: what the system tells. */
  clockQuality?: () => ClockQuality;
  log?: Logger;
  signal?: AbortSignal;
}

/** A message taken by the outbox. */
export interface Receipt {
  id: string;
  topic: string;
  topicSeq: number;
  /** True when the broker has answered for it; false when it was refused or the publisher closed before. Never rejects. */
  acknowledged: Promise<boolean>;
}

export interface PublisherStats {
  /** Messages taken by the outbox, the publisher's own stats messages included. */
  published: number;
  acknowledged: number;
  /** Refused by the broker for good: not allowed, too large. */
  refused: number;
  /** Turned away because the outbox was full. */
  rejected: number;
  reconnects: number;
  connected: boolean;
  protocol: 5 | 4 | undefined;
  outbox: { messages: number; bytes: number; maxMessages: number; maxBytes: number };
}

export interface CloseReport extends PublisherStats {
  /** Ids of messages the broker did not answer for. */
  undelivered: string[];
}
