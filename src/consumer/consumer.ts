import { randomBytes } from "node:crypto";
import type { IPublishPacket } from "mqtt";
import { EdgeDistillError, silentLogger, type Logger } from "../base/index.js";
import {
  decodeMessage,
  MESSAGE_KINDS,
  messageType,
  parseTopic,
  topicFilter,
  type Message,
  type MessageKind,
  type MessageOf,
  type StateMessage,
  type Topic,
  type TopicFilter,
} from "../wire/index.js";
import { AckQueue, type OwedAck } from "./ack-queue.js";
import type { BrokerAccess, BrokerConnection } from "./broker-connection.js";
import { BrokerLink, type ReconnectOptions } from "./broker-link.js";
import { MessageLedger, type Gap } from "./message-ledger.js";
import { Reorder } from "./reorder.js";

/** A payload that is no valid message. It is acknowledged, so that it cannot block what comes after it. */
export interface DeadLetter {
  topic: string;
  payload: Uint8Array;
  /** WIRE_INVALID or WIRE_TOPIC, naming the place. */
  error: EdgeDistillError;
}

export interface ConsumerOptions<K extends MessageKind = MessageKind>
  extends BrokerAccess, ReconnectOptions, TopicFilter {
  /** Which kinds of message to subscribe to. Default: all this version knows. */
  kinds?: readonly K[];
  /**
   * A fixed name makes the broker keep what arrives while this consumer is away, for `sessionExpirySeconds`. No two
   * clients may share it. Default: a random name, and nothing is kept.
   */
  clientId?: string;
  /** Default 3600. */
  sessionExpirySeconds?: number;
  /** Messages in hand that are not acknowledged yet: what a crash makes the broker send again. Default 64. */
  prefetch?: number;
  /** The consumer was there before the devices: what precedes the first message seen counts as missing. Default false. */
  fromStart?: boolean;
  /**
   * How long a message may wait for one that should come before it: some brokers mix what they kept with what is new
   * after a reconnection. 0 takes everything as it comes. Default 1000.
   */
  reorderWindowMs?: number;
  /** Larger payloads are dead letters. Default 1 MiB. */
  maxMessageBytes?: number;
  /** Gets what is no valid message; when it fails, the iteration fails. */
  onDeadLetter?: (letter: DeadLetter) => void | Promise<void>;
  /** For the first connection and subscription. Default 5000. */
  connectTimeoutMs?: number;
  log?: Logger;
  signal?: AbortSignal;
}

/** Since the consumer was opened. received = delivered + duplicates + invalid + ignored + what is in hand. */
export interface ConsumerCounters {
  /** Payloads that came from the broker. */
  received: number;
  /** Messages handed to the application; no id twice. */
  delivered: number;
  /** Repeated deliveries of a message, dropped: the application never saw them. */
  duplicates: number;
  /** Dead letters. */
  invalid: number;
  /** Empty payloads, by which a retained message is cleared, and kinds that an older subscription still brings. */
  ignored: number;
  /** Messages proven missing at this moment by the sequence of their topic. */
  missing: number;
  reconnects: number;
}

/** One message, delivered once. */
export interface Delivery<M extends Message = Message> {
  message: M;
  topic: string;
  address: Topic;
  /** It was kept by the broker and sent for the new subscription. */
  retained: boolean;
  /** Tells the broker that it was taken. The loop does so by itself when it asks for the next one. */
  ack(): void;
}

interface InHand<M extends Message> {
  delivery: Delivery<M>;
  owed: OwedAck[];
}

/**
 * Messages from a broker: validated, each once, in the order of each topic. Iterate it with `for await`; a message is
 * acknowledged when the loop asks for the next one, so one that was being worked on at a crash comes again.
 */
export class Consumer<K extends MessageKind = MessageKind>
  implements AsyncIterable<Delivery<MessageOf<K>>>, AsyncDisposable
{
  readonly clientId: string;
  #options: ConsumerOptions<K>;
  #kinds: readonly K[];
  #log: Logger;
  #link: BrokerLink;
  #ledger: MessageLedger;
  #reorder: Reorder<InHand<MessageOf<K>>>;
  #farewells: { message: StateMessage; entry: InHand<MessageOf<K>>; timer: NodeJS.Timeout }[] = [];
  #queue: InHand<MessageOf<K>>[] = [];
  #inHand = new Map<string, InHand<MessageOf<K>>>();
  #wake: (() => void) | undefined;
  #iterating = false;
  #closed = false;
  #failure: Error | undefined;
  #counts = { received: 0, delivered: 0, duplicates: 0, invalid: 0, ignored: 0 };

  /** Use {@link openConsumer}. */
  constructor(options: ConsumerOptions<K>) {
    const { kinds, prefetch = 64, log = silentLogger } = options;
    const persistent = options.clientId !== undefined;
    this.clientId = options.clientId ?? `ed-consumer-${randomBytes(6).toString("hex")}`;
    this.#options = options;
    this.#kinds = kinds ?? (MESSAGE_KINDS as readonly MessageKind[] as readonly K[]);
    this.#log = log;
    this.#ledger = new MessageLedger({ fromStart: options.fromStart ?? false });
    this.#reorder = new Reorder({
      windowMs: options.reorderWindowMs ?? 1000,
      maxHeld: 1000,
      release: (entry) => this.#release(entry),
    });
    const filters = this.#kinds.map((kind) => topicFilter(kind, options));
    let acks: { connection: BrokerConnection; queue: AckQueue } | undefined;
    this.#link = new BrokerLink({
      ...options,
      nextConnection: () => ({
        ...options,
        clientId: this.clientId,
        clean: !persistent,
        ...(persistent ? { sessionExpirySeconds: options.sessionExpirySeconds ?? 3600 } : {}),
        receiveMaximum: prefetch,
        timeoutMs: options.connectTimeoutMs ?? 5000,
        onPublish: (packet, connection, more) => {
          if (acks?.connection !== connection)
            acks = { connection, queue: new AckQueue(connection) };
          const { queue } = acks;
          const owed =
            packet.qos === 0 ? { settle: () => undefined } : queue.owe(packet.messageId ?? 0);
          this.#receive(packet, owed);
          // What waits for its turn must not keep that which it waits for from being read.
          queue.whenBelow(() => prefetch + this.#reorder.held + this.#farewells.length, more);
        },
      }),
      onUp: async (connection) => {
        // Messages of a kept session come before the answer to a subscription, and may fill the window: do not wait.
        const subscribed = connection.subscribe(filters);
        if (!connection.sessionPresent) return subscribed;
        subscribed.catch((error: unknown) => this.#log.warn(String(error)));
      },
    });
  }

  /** @internal */
  async start(): Promise<void> {
    const { connectTimeoutMs = 5000, signal } = this.#options;
    await this.#link.start({
      timeoutMs: connectTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  get connected(): boolean {
    return this.#link.current?.alive ?? false;
  }

  get counters(): ConsumerCounters {
    return {
      ...this.#counts,
      missing: this.#ledger.missing,
      reconnects: Math.max(0, this.#link.connections - 1),
    };
  }

  /** What is proven missing, by topic and boot. */
  gaps(): Gap[] {
    return this.#ledger.gaps();
  }

  /** @throws USAGE when another loop is running, and what `onDeadLetter` threw */
  [Symbol.asyncIterator](): AsyncIterator<Delivery<MessageOf<K>>, undefined> {
    if (this.#iterating)
      throw new EdgeDistillError("USAGE", "This consumer is being iterated already", {
        hint: "Open a second consumer, or hand the messages on from one loop.",
      });
    this.#iterating = true;
    let last: InHand<MessageOf<K>> | undefined;
    return {
      next: async () => {
        if (last !== undefined) this.#settle(last);
        last = undefined;
        for (;;) {
          if (this.#failure !== undefined) throw this.#failure;
          if (this.#closed) return { done: true, value: undefined };
          const entry = this.#queue.shift();
          if (entry !== undefined) {
            this.#counts.delivered++;
            last = entry;
            return { done: false, value: entry.delivery };
          }
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      },
      return: () => {
        this.#iterating = false;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Ends the iteration and the connection. What was not taken stays with the broker when the session is kept. */
  async close(): Promise<ConsumerCounters> {
    if (!this.#closed) {
      this.#closed = true;
      this.#queue = [];
      this.#reorder.close();
      for (const { timer } of this.#farewells.splice(0)) clearTimeout(timer);
      this.#wakeUp();
    }
    await this.#link.stop();
    return this.counters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #receive(packet: IPublishPacket, owed: OwedAck): void {
    const { topic } = packet;
    const payload =
      typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    this.#counts.received++;
    if (payload.byteLength === 0) {
      this.#counts.ignored++;
      return owed.settle();
    }
    let message: MessageOf<K>;
    try {
      const { maxMessageBytes: maxBytes } = this.#options;
      const decoded = decodeMessage(payload, {
        topic,
        ...(maxBytes === undefined ? {} : { maxBytes }),
      });
      if (!this.#isWanted(decoded)) {
        this.#counts.ignored++;
        return owed.settle();
      }
      message = decoded;
    } catch (error) {
      this.#counts.invalid++;
      return this.#bury({ topic, payload, error: error as EdgeDistillError }, owed);
    }
    const entered = this.#ledger.enter(topic, message);
    if (entered === undefined) {
      this.#counts.duplicates++;
      // Its first copy may not be taken yet, and came on a connection that is gone: this PUBACK waits for it.
      const first = this.#inHand.get(message.id);
      if (first === undefined) owed.settle();
      else first.owed.push(owed);
      return;
    }
    const entry: InHand<MessageOf<K>> = {
      owed: [owed],
      delivery: {
        message,
        topic,
        address: parseTopic(topic),
        retained: packet.retain,
        ack: () => this.#settle(entry),
      },
    };
    this.#inHand.set(message.id, entry);
    const { boot, topicSeq } = message.data.trace;
    if (topicSeq !== undefined && this.#options.reorderWindowMs !== 0)
      this.#reorder.enter(`${topic} ${boot}`, topicSeq, entered.expected, entry);
    else if (message.type === messageType("state")) this.#enterState(message, entry);
    else this.#release(entry);
  }

  /** A good-bye says how far the topics went; it waits for what is on its way. */
  #enterState(message: StateMessage, entry: InHand<MessageOf<K>>): void {
    const { reorderWindowMs = 1000 } = this.#options;
    this.#ledger.expect(message, (full) => this.#subscribes(full));
    if (reorderWindowMs === 0 || !this.#ledger.isIncomplete(message)) return this.#release(entry);
    const timer = setTimeout(() => {
      this.#farewells = this.#farewells.filter((other) => other.entry !== entry);
      this.#release(entry);
    }, reorderWindowMs);
    this.#farewells.push({ message, entry, timer });
  }

  #release(entry: InHand<MessageOf<K>>): void {
    this.#queue.push(entry);
    for (const farewell of this.#farewells) {
      if (this.#reorder.held > 0 || this.#ledger.isIncomplete(farewell.message)) continue;
      clearTimeout(farewell.timer);
      this.#farewells = this.#farewells.filter((other) => other !== farewell);
      this.#queue.push(farewell.entry);
    }
    this.#wakeUp();
  }

  #bury(letter: DeadLetter, owed: OwedAck): void {
    const { onDeadLetter } = this.#options;
    this.#log.warn(letter.error.message);
    Promise.resolve()
      .then(() => onDeadLetter?.(letter))
      .then(
        () => owed.settle(),
        (error: unknown) => {
          this.#failure =
            error instanceof Error
              ? error
              : new EdgeDistillError("INTERNAL", `onDeadLetter threw ${String(error)}`);
          this.#wakeUp();
        },
      );
  }

  #isWanted(message: Message): message is MessageOf<K> {
    return this.#kinds.some((kind) => messageType(kind) === message.type);
  }

  #subscribes(topic: string): boolean {
    try {
      const { kind, ...address } = parseTopic(topic);
      const { stream } = this.#options;
      return (
        this.#kinds.some((wanted) => wanted === kind) &&
        (stream === undefined || !("stream" in address) || address.stream === stream)
      );
    } catch {
      return false;
    }
  }

  #settle(entry: InHand<MessageOf<K>>): void {
    this.#inHand.delete(entry.delivery.message.id);
    for (const owed of entry.owed.splice(0)) owed.settle();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/**
 * Subscribes to the messages of devices. Resolves when the subscription stands.
 * @throws STREAM_UNREACHABLE, STREAM_REFUSED, CONFIG_INVALID (URL), WIRE_TOPIC (filter), INTERRUPTED
 */
export async function openConsumer<K extends MessageKind = MessageKind>(
  options: ConsumerOptions<K>,
): Promise<Consumer<K>> {
  const consumer = new Consumer<K>(options);
  await consumer.start();
  return consumer;
}
