import { createHash } from "node:crypto";
import { EdgeDistillError, silentLogger } from "../base/index.js";
import { BrokerLink, type BrokerConnection } from "../consumer/index.js";
import {
  CONTENT_TYPE,
  encodeMessage,
  MESSAGE_KINDS,
  messageJsonSchemas,
  type BirthPayload,
  type Message,
  type StatePayload,
  type Trace,
} from "../wire/index.js";
import { instantNow, probeClockQuality, type Instant } from "./clock.js";
import { detectionsPayload, type FrameResult } from "./detections.js";
import { Numbering } from "./numbering.js";
import { Outbox } from "./outbox.js";
import type {
  CloseReport,
  PublisherOptions,
  PublisherStats,
  Receipt,
} from "./publisher-options.js";
import { Sender } from "./sender.js";

type Build = (trace: Trace, time: string) => Message;

/** Publishes what one device sees. Open it with {@link openPublisher}. */
export class Publisher implements AsyncDisposable {
  #options: PublisherOptions;
  #link: BrokerLink;
  #outbox: Outbox;
  #sender: Sender;
  #numbering: Numbering;
  #startedAt = instantNow();
  #waiting: { enter: () => void; fail: (error: EdgeDistillError) => void }[] = [];
  #idle: (() => void)[] = [];
  #closing: Promise<CloseReport> | undefined;
  #statsTimer: NodeJS.Timeout | undefined;
  #published = 0;
  #rejected = 0;

  /** @throws WIRE_TOPIC */
  constructor(options: PublisherOptions) {
    const {
      clientId = `ed-${options.device}`,
      log = silentLogger,
      connectTimeoutMs = 5000,
    } = options;
    this.#options = options;
    this.#outbox = new Outbox(options.outbox);
    this.#numbering = new Numbering(options, options.clockQuality ?? probeClockQuality);
    this.#sender = new Sender(this.#outbox, {
      maxInFlight: options.maxInFlight ?? 64,
      onRemoved: () => this.#onRemoved(),
      onRetry: () => this.#link.restart(),
      log,
    });
    this.#link = new BrokerLink({
      ...options,
      nextConnection: () => ({
        ...options,
        clientId,
        clean: true,
        timeoutMs: connectTimeoutMs,
        will: {
          topic: this.#numbering.topic("state"),
          payload: this.#latest("state", { status: "offline", reason: "connection-lost" }),
          contentType: CONTENT_TYPE,
        },
      }),
      onUp: (connection) => this.#onUp(connection),
      onDown: () => this.#sender.pause(),
    });
  }

  /** Names this run of the publisher: part of every message's id. */
  get boot(): string {
    return this.#numbering.boot;
  }

  /** @internal */
  async start(): Promise<void> {
    const {
      connectTimeoutMs = 5000,
      startOffline = false,
      statsIntervalMs = 30_000,
      signal,
    } = this.#options;
    this.#latest("birth", this.#birth());
    if (startOffline) this.#link.startLater();
    else
      await this.#link.start({
        timeoutMs: connectTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
    if (statsIntervalMs > 0) {
      this.#statsTimer = setInterval(() => this.#publishStats(), statsIntervalMs);
      this.#statsTimer.unref();
    }
  }

  /**
   * Puts the detections of a frame into the outbox, in the order of the calls. Resolves when they are there; waits while
   * the outbox is full.
   * @param stream name of the camera or part of it, one level of the topic
   * @throws STREAM_OUTBOX_FULL (only with `whenFull: "reject"`), STREAM_CLOSED, WIRE_INVALID, WIRE_TOPIC, INTERRUPTED
   */
  async publishDetections(
    stream: string,
    result: FrameResult,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Receipt> {
    const model = result.model ?? this.#options.birth.model;
    if (model === undefined)
      throw new EdgeDistillError(
        "WIRE_INVALID",
        `The detections of frame "${result.frame.id}" name no model`,
        {
          hint: "Give the model to openPublisher() in `birth`, or with every frame.",
          details: { path: "data.model" },
        },
      );
    const topic = this.#numbering.topic("detections", stream);
    const payload = detectionsPayload(result, model);
    const build: Build = (trace, time) => ({
      ...this.#numbering.envelope("detections", trace, time),
      data: { trace, ...payload },
    });
    return this.#publish(topic, build, { at: result.capturedAt ?? instantNow(), signal });
  }

  /** Counters since the start. */
  stats(): PublisherStats {
    const { messages, bytes, maxMessages, maxBytes } = this.#outbox;
    return {
      published: this.#published,
      ...this.#sender.counts,
      rejected: this.#rejected,
      reconnects: Math.max(0, this.#link.connections - 1),
      connected: this.#link.current?.alive ?? false,
      protocol: this.#link.current?.protocol,
      outbox: { messages, bytes, maxMessages, maxBytes },
    };
  }

  /** Waits until the outbox is empty, at most `timeoutMs`. @returns whether it is */
  async drain({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<boolean> {
    if (this.#outbox.messages === 0) return true;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#idle = this.#idle.filter((listener) => listener !== done);
        resolve(this.#outbox.messages === 0);
      };
      const timer = setTimeout(done, timeoutMs);
      this.#idle.push(done);
    });
  }

  /**
   * Takes no more, waits until the outbox is empty (at most `drainTimeoutMs`), says good-bye with the last number of
   * each topic, and disconnects. Calls that wait for room fail with STREAM_CLOSED.
   */
  close({ drainTimeoutMs = 10_000 }: { drainTimeoutMs?: number } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(drainTimeoutMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainTimeoutMs: number): Promise<CloseReport> {
    clearInterval(this.#statsTimer);
    for (const { fail } of this.#waiting.splice(0)) fail(closedError());
    const deadline = Date.now() + drainTimeoutMs;
    await this.drain({ timeoutMs: drainTimeoutMs });
    const connection = this.#link.current;
    if (connection?.alive === true) {
      const lastSequences = this.#numbering.lastSequences();
      const goodBye = this.#latest("state", { status: "offline", reason: "closed", lastSequences });
      await this.#retain(connection, "state", goodBye, Math.max(1000, deadline - Date.now()));
    }
    const final = this.stats();
    await this.#link.stop();
    const undelivered = this.#outbox.kept();
    for (const entry of undelivered) entry.settle(false);
    return { ...final, connected: false, undelivered: undelivered.map(({ id }) => id) };
  }

  #onUp(connection: BrokerConnection): void {
    // On the wire before anything else; that both are answered is not waited for, a lost connection repeats them.
    void this.#retain(connection, "birth", this.#latest("birth", this.#birth()));
    void this.#retain(connection, "state", this.#latest("state", { status: "online" }));
    this.#sender.use(connection);
  }

  #onRemoved(): void {
    while (this.#outbox.hasRoom && this.#waiting.length > 0) this.#waiting.shift()?.enter();
    if (this.#outbox.messages === 0) for (const listener of this.#idle.splice(0)) listener();
  }

  async #publish(
    topic: string,
    build: Build,
    { at, signal }: { at: Instant; signal?: AbortSignal | undefined },
  ): Promise<Receipt> {
    if (this.#closing !== undefined) throw closedError();
    if (this.#waiting.length === 0 && this.#outbox.hasRoom) return this.#enter(topic, build, at);
    if (this.#options.whenFull === "reject") {
      this.#rejected++;
      const { messages, bytes } = this.#outbox;
      throw new EdgeDistillError(
        "STREAM_OUTBOX_FULL",
        `The outbox is full: ${messages} messages, ${bytes} bytes`,
        {
          hint: "Check the connection to the broker, publish less, or enlarge the outbox.",
          details: { messages, bytes },
        },
      );
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener("abort", abort);
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
      };
      const waiter = {
        enter: (): void => {
          leave();
          try {
            resolve(this.#enter(topic, build, at));
          } catch (error) {
            reject(error instanceof Error ? error : closedError());
          }
        },
        fail: (error: EdgeDistillError): void => {
          leave();
          reject(error);
        },
      };
      const abort = (): void =>
        waiter.fail(
          new EdgeDistillError("INTERRUPTED", "Interrupted while waiting for room in the outbox"),
        );
      if (signal?.aborted === true) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Numbers, encodes and keeps a message; when it is invalid, no number is given out. */
  #enter(topic: string, build: Build, at: Instant): Receipt {
    const { trace, time, commit } = this.#numbering.next(topic, { at, numbered: true });
    const message = build(trace, time);
    const payload = encodeMessage(message);
    commit();
    const acknowledged = new Promise<boolean>((settle) =>
      this.#outbox.append({ id: message.id, topic, payload, settle }),
    );
    this.#published++;
    this.#sender.pump();
    return { id: message.id, topic, topicSeq: trace.topicSeq ?? 0, acknowledged };
  }

  /** A message of which only the newest counts. */
  #latest(
    kind: "state" | "birth",
    payload: Omit<StatePayload, "trace"> | Omit<BirthPayload, "trace">,
  ): Uint8Array {
    const { trace, time, commit } = this.#numbering.next(this.#numbering.topic(kind), {
      numbered: false,
    });
    const envelope = this.#numbering.envelope(kind, trace, time);
    const bytes = encodeMessage({ ...envelope, data: { trace, ...payload } } as Message);
    commit();
    return bytes;
  }

  #retain(
    connection: BrokerConnection,
    kind: "state" | "birth",
    payload: Uint8Array,
    timeoutMs?: number,
  ): Promise<void> {
    const answered = new Promise<void>((resolve) =>
      connection.publish(
        this.#numbering.topic(kind),
        payload,
        { retain: true, contentType: CONTENT_TYPE },
        () => resolve(),
      ),
    );
    if (timeoutMs === undefined) return answered;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    return Promise.race([answered, connection.closed.then(() => undefined), late]).finally(() =>
      clearTimeout(timer),
    );
  }

  #birth(): Omit<BirthPayload, "trace"> {
    return { ...this.#options.birth, kinds: [...MESSAGE_KINDS], schemaSha256: schemaHash() };
  }

  #publishStats(): void {
    const { published, acknowledged, refused, rejected, reconnects, outbox } = this.stats();
    const build: Build = (trace, time) => ({
      ...this.#numbering.envelope("stats", trace, time),
      data: {
        trace,
        uptimeMs: Number(BigInt(trace.monotonicNs) - this.#startedAt.monotonicNs) / 1e6,
        published,
        acknowledged,
        refused,
        rejected,
        reconnects,
        outbox,
        residentBytes: process.memoryUsage.rss(),
      },
    });
    // Numbers about a jam must not add to it.
    if (this.#outbox.hasRoom && this.#waiting.length === 0 && this.#closing === undefined)
      this.#enter(this.#numbering.topic("stats"), build, instantNow());
  }
}

function closedError(): EdgeDistillError {
  return new EdgeDistillError("STREAM_CLOSED", "The publisher is closed", {
    hint: "Publish before close(), or open another publisher.",
  });
}

let hash: string | undefined;

/** SHA-256 of the JSON Schemas the messages follow. */
function schemaHash(): string {
  hash ??= createHash("sha256").update(JSON.stringify(messageJsonSchemas())).digest("hex");
  return hash;
}

/**
 * Connects a device to a broker: last will, birth certificate, state, and an outbox that keeps every message until the
 * broker has answered for it.
 * @throws STREAM_UNREACHABLE, STREAM_REFUSED, CONFIG_INVALID (URL), WIRE_TOPIC (ids), WIRE_INVALID (birth), INTERRUPTED
 */
export async function openPublisher(options: PublisherOptions): Promise<Publisher> {
  const publisher = new Publisher(options);
  await publisher.start();
  return publisher;
}
