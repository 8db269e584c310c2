import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { EdgeDistillError, errorMessage, throwIfAborted } from "../base/index.js";
import { parseBrokerUrl } from "./broker-url.js";
import {
  connectionError,
  isVersionRefused,
  rejectedPublish,
  type PublishOutcome,
} from "./broker-error.js";

/** Certificates as PEM text or bytes. The broker's certificate is verified unless `rejectUnauthorized` is false. */
export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  rejectUnauthorized?: boolean;
  /** The name the broker's certificate must carry, where it differs from the URL's host. */
  servername?: string;
}

/** How to reach a broker and who to be there. */
export interface BrokerAccess {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; may carry user name and password. */
  url: string;
  username?: string;
  password?: string;
  tls?: TlsOptions;
  /** 5 with 3.1.1 (`4`) where the broker knows no better is the default. */
  protocol?: "auto" | 5 | 4;
  /** Seconds without traffic after which each side asks whether the other lives. Default 30. */
  keepaliveSeconds?: number;
}

export interface ConnectOptions extends BrokerAccess {
  clientId: string;
  clean: boolean;
  sessionExpirySeconds?: number;
  /** How many messages the broker may send unanswered (MQTT 5). */
  receiveMaximum?: number;
  will?: { topic: string; payload: Uint8Array; contentType: string };
  timeoutMs: number;
  /** `more` must be called when there is room for another message; nothing else is read before. */
  onPublish?: (packet: IPublishPacket, connection: BrokerConnection, more: () => void) => void;
  signal?: AbortSignal;
}

/**
 * One TCP connection to a broker, from CONNECT to its end; it never reconnects. Whoever wants to stay connected opens
 * the next one, so that nothing of an old session can leak into a new one.
 */
export class BrokerConnection {
  readonly protocol: 5 | 4;
  /** Resolves when the connection is gone, with the reason if there was one. */
  readonly closed: Promise<Error | undefined>;
  #client: MqttClient;
  #alive = true;
  #sessionPresent = false;
  #stalled: NodeJS.Timeout | undefined;

  constructor(client: MqttClient, protocol: 5 | 4) {
    this.#client = client;
    this.protocol = protocol;
    client.on("connect", ({ sessionPresent }) => (this.#sessionPresent = sessionPresent));
    this.closed = new Promise((resolve) => {
      let reason: Error | undefined;
      client.on("error", (error) => (reason = error));
      client.on("disconnect", (packet) => {
        reason = new EdgeDistillError(
          "STREAM_REFUSED",
          `The broker ended the connection (reason ${packet.reasonCode ?? 0})`,
        );
      });
      client.on("close", () => {
        this.#alive = false;
        clearInterval(this.#stalled);
        resolve(reason);
      });
    });
  }

  get alive(): boolean {
    return this.#alive && this.#client.connected;
  }

  /** Whether the broker had kept the session of this client id. */
  get sessionPresent(): boolean {
    return this.#sessionPresent;
  }

  /** Messages the broker takes before it has answered the first. */
  get receiveMaximum(): number {
    return this.#client.serverProperties?.receiveMaximum ?? 65_535;
  }

  /** Bytes of the largest packet the broker takes. */
  get maximumPacketBytes(): number {
    return this.#client.serverProperties?.maximumPacketSize ?? 256 * 1024 * 1024;
  }

  /**
   * Publishes at QoS 1. `done` is called once with the broker's answer, or never when the connection is lost before it.
   */
  publish(
    topic: string,
    payload: Uint8Array,
    { retain, contentType }: { retain: boolean; contentType: string },
    done: (outcome: PublishOutcome) => void,
  ): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const properties =
      this.protocol === 5 ? { properties: { contentType, payloadFormatIndicator: true } } : {};
    this.#client.publish(topic, bytes, { qos: 1, retain, ...properties }, (error) => {
      if (!this.#alive) return;
      done(error ? rejectedPublish(error) : { kind: "taken" });
    });
  }

  /**
   * Subscribes at QoS 1.
   * @throws STREAM_REFUSED naming the filters, STREAM_UNREACHABLE when the connection is lost before the answer
   */
  async subscribe(filters: readonly string[]): Promise<void> {
    try {
      await this.#client.subscribeAsync([...filters], { qos: 1 });
    } catch (cause) {
      const topics = filters.join(", ");
      throw this.alive
        ? new EdgeDistillError(
            "STREAM_REFUSED",
            `The broker refuses to subscribe to ${topics}: ${errorMessage(cause)}`,
            {
              hint: "Allow this client to read these topics in the broker's access list.",
              details: { topics },
              cause,
            },
          )
        : new EdgeDistillError(
            "STREAM_UNREACHABLE",
            `The connection was lost while subscribing to ${topics}`,
            {
              cause,
            },
          );
    }
  }

  /** Sends the PUBACKs of these messages, in the order given. Without effect once the connection is gone. */
  acknowledge(messageIds: readonly number[]): void {
    if (!this.alive || messageIds.length === 0) return;
    // PUBACK with success is the same four bytes in 3.1.1 and 5.
    const packets = Buffer.alloc(messageIds.length * 4);
    messageIds.forEach((id, index) => {
      packets.writeUInt16BE(0x4002, index * 4);
      packets.writeUInt16BE(id, index * 4 + 2);
    });
    this.#client.stream.write(packets);
  }

  /**
   * While the reader is stopped, answers to pings go unread: keeps the connection up until reading goes on.
   * @param stalled whether reading is stopped
   */
  setStalled(stalled: boolean): void {
    if (!stalled) {
      clearInterval(this.#stalled);
      this.#stalled = undefined;
    } else if (this.#stalled === undefined && this.#alive && this.#client.keepalive) {
      const ping = (): void => {
        if (!this.alive) return;
        this.#client.sendPing();
        this.#client.reschedulePing(true);
      };
      this.#stalled = setInterval(ping, (this.#client.keepalive * 1000) / 3);
      this.#stalled.unref();
    }
  }

  /** Says good-bye (no last will), waiting at most `timeoutMs` for what is still to be written. */
  async end({ timeoutMs = 1000 }: { timeoutMs?: number } = {}): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.#client.endAsync(), late]).catch(() => undefined);
    clearTimeout(timer);
    this.destroy();
  }

  /** Cuts the connection: the broker will publish the last will. */
  destroy(): void {
    this.#alive = false;
    clearInterval(this.#stalled);
    this.#client.end(true);
  }
}

/**
 * Opens one connection. With protocol `auto`, MQTT 5 first, and 3.1.1 when the broker refuses that version.
 * @throws STREAM_UNREACHABLE, STREAM_REFUSED (credentials, client id), CONFIG_INVALID (URL), INTERRUPTED
 */
export async function connectBroker(options: ConnectOptions): Promise<BrokerConnection> {
  const { protocol = "auto" } = options;
  if (protocol !== "auto") return attempt(options, protocol);
  try {
    return await attempt(options, 5);
  } catch (error) {
    if (!isVersionRefused(error)) throw error;
    return attempt(options, 4);
  }
}

async function attempt(options: ConnectOptions, protocol: 5 | 4): Promise<BrokerConnection> {
  throwIfAborted(options.signal, "connecting to the broker");
  const { shown, href, ...credentials } = parseBrokerUrl(options.url);
  const client = connect(href, clientOptions({ ...credentials, ...defined(options) }, protocol));
  const connection = new BrokerConnection(client, protocol);
  client.handleMessage = (packet, callback) => {
    const { onPublish } = options;
    if (onPublish === undefined || packet.qos === 0) callback();
    // An error keeps mqtt.js from answering at once: the PUBACK is sent by acknowledge(), when the message was taken.
    if (onPublish !== undefined)
      onPublish(packet, connection, packet.qos === 0 ? ignore : () => callback(NOT_YET));
  };
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (error?: EdgeDistillError): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      if (error === undefined) resolve(connection);
      else {
        connection.destroy();
        reject(error);
      }
    };
    const fail = (cause: unknown): void => settle(connectionError(cause, shown, options.clientId));
    const timer = setTimeout(
      () =>
        fail(
          new EdgeDistillError("STREAM_UNREACHABLE", `no answer within ${options.timeoutMs} ms`),
        ),
      options.timeoutMs,
    );
    const abort = (): void =>
      settle(new EdgeDistillError("INTERRUPTED", "Interrupted while connecting to the broker"));
    options.signal?.addEventListener("abort", abort, { once: true });
    client.once("connect", () => settle());
    client.once("error", fail);
    void connection.closed.then((reason) =>
      fail(reason ?? "the connection was closed before it was up"),
    );
  });
}

const NOT_YET = new EdgeDistillError("INTERNAL", "Acknowledged when taken");
const ignore = (): void => undefined;

function clientOptions(options: ConnectOptions, protocol: 5 | 4): IClientOptions {
  const { will } = options;
  const willProperties =
    will !== undefined && protocol === 5
      ? { properties: { contentType: will.contentType, payloadFormatIndicator: true } }
      : {};
  return {
    protocolVersion: protocol,
    clientId: options.clientId,
    clean: options.clean,
    keepalive: options.keepaliveSeconds ?? 30,
    // Longer than ours, which says what happened.
    connectTimeout: options.timeoutMs + 1000,
    reconnectPeriod: 0,
    resubscribe: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...defined(options.tls ?? {}),
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: Buffer.from(will.payload),
            qos: 1,
            retain: true,
            ...willProperties,
          },
        }),
    ...(protocol === 4
      ? {}
      : {
          properties: defined({
            sessionExpiryInterval: options.sessionExpirySeconds,
            receiveMaximum: options.receiveMaximum,
          }),
        }),
  };
}

/** Without the entries that are undefined. */
function defined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
