import {
  createRng,
  EdgeDistillError,
  seedFrom,
  silentLogger,
  throwIfAborted,
  type Logger,
} from "../base/index.js";
import { connectBroker, type BrokerConnection, type ConnectOptions } from "./broker-connection.js";
import { parseBrokerUrl } from "./broker-url.js";

/** How long to wait before the next attempt to connect. */
export interface ReconnectOptions {
  /** Default 250. */
  reconnectMinMs?: number;
  /** Default 30,000. */
  reconnectMaxMs?: number;
}

export interface LinkOptions extends ReconnectOptions {
  /** Asked anew for every connection: the last will carries its number. */
  nextConnection: () => ConnectOptions;
  /** A new connection is up. When it fails, the connection is cut and the next one tried. */
  onUp: (connection: BrokerConnection) => void | Promise<void>;
  onDown?: () => void;
  log?: Logger;
}

/** A connection that lived shorter than this does not reset the back-off. */
const STABLE_MS = 1000;

/** Stays connected: one connection after another, with a growing and jittered pause between the attempts. */
export class BrokerLink {
  #options: LinkOptions;
  #log: Logger;
  #current: BrokerConnection | undefined;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #connections = 0;
  #failures = 0;
  #random: () => number;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
    const rng = createRng(
      seedFrom(`${options.nextConnection.name}:${process.pid}:${process.hrtime.bigint()}`),
    );
    this.#random = () => rng.next();
  }

  get current(): BrokerConnection | undefined {
    return this.#current;
  }

  /** Connections made so far. */
  get connections(): number {
    return this.#connections;
  }

  /**
   * Connects for the first time, trying until `timeoutMs` is over; then stays connected until `stop()`.
   * @throws STREAM_UNREACHABLE, STREAM_REFUSED, CONFIG_INVALID, INTERRUPTED
   */
  async start({ timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let told: unknown;
    for (;;) {
      throwIfAborted(signal, "connecting to the broker");
      try {
        const left = Math.max(1, deadline - Date.now());
        const connection = await this.#connect(left, signal);
        this.#running = this.#keepUp(connection);
        return;
      } catch (error) {
        // The last attempt may have been cut short: what an earlier one was told says more than that.
        if (told === undefined || hasReason(error)) told = error;
        const pauseMs = this.#pauseMs();
        if (isFinal(error) || Date.now() + pauseMs >= deadline) {
          this.#stop.abort();
          throw isFinal(error) ? error : told;
        }
        await this.#pause(pauseMs, signal);
      }
    }
  }

  /** Connects in the background, however long it takes. */
  startLater(): void {
    parseBrokerUrl(this.#options.nextConnection().url);
    this.#running = this.#keepUp(undefined);
  }

  /** Ends the link: with a good-bye, or with a cut after which the broker publishes the last will. */
  async stop({ cut = false }: { cut?: boolean } = {}): Promise<void> {
    this.#stop.abort();
    const connection = this.#current;
    if (cut) connection?.destroy();
    else await connection?.end();
    await this.#running;
  }

  /** Cuts the current connection, so that the next one starts afresh. */
  restart(): void {
    this.#current?.destroy();
  }

  async #connect(timeoutMs: number, signal: AbortSignal | undefined): Promise<BrokerConnection> {
    const wanted = this.#options.nextConnection();
    const stop =
      signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const connection = await connectBroker({
      ...wanted,
      timeoutMs: Math.min(timeoutMs, wanted.timeoutMs),
      signal: stop,
    });
    this.#current = connection;
    this.#connections++;
    try {
      await this.#options.onUp(connection);
    } catch (error) {
      this.#current = undefined;
      connection.destroy();
      throw error;
    }
    return connection;
  }

  async #keepUp(first: BrokerConnection | undefined): Promise<void> {
    let connection = first;
    while (!this.#stop.signal.aborted) {
      if (connection !== undefined) {
        const since = Date.now();
        const reason = await connection.closed;
        this.#current = undefined;
        this.#options.onDown?.();
        if (this.#stop.signal.aborted) return;
        this.#failures = Date.now() - since >= STABLE_MS ? 0 : this.#failures + 1;
        this.#log.warn(
          `Lost the connection to the broker${reason === undefined ? "" : `: ${reason.message}`}; reconnecting`,
        );
        await this.#pause(this.#pauseMs(), undefined);
      }
      connection = await this.#connect(Number.MAX_SAFE_INTEGER, undefined).catch(
        async (error: unknown) => {
          if (this.#stop.signal.aborted) return undefined;
          this.#failures++;
          const pauseMs = this.#pauseMs();
          this.#log.warn(
            `${error instanceof Error ? error.message : String(error)}; next attempt in ${pauseMs} ms`,
          );
          await this.#pause(pauseMs, undefined);
          return undefined;
        },
      );
    }
    connection?.destroy();
  }

  /** Doubles with every failure in a row up to the most, then takes 50 to 100 % of that. */
  #pauseMs(): number {
    const { reconnectMinMs = 250, reconnectMaxMs = 30_000 } = this.#options;
    const ceiling = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(this.#failures, 20));
    return Math.round(ceiling * (0.5 + 0.5 * this.#random()));
  }

  #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    const stops =
      signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    return new Promise((resolve) => {
      if (stops.aborted) return resolve();
      const wake = (): void => {
        clearTimeout(timer);
        stops.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, pauseMs);
      stops.addEventListener("abort", wake, { once: true });
    });
  }
}

/** Whether trying again at once would be told the same: a wrong URL or password, a certificate that is not trusted. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof EdgeDistillError) || error.code !== "STREAM_UNREACHABLE") return true;
  return /CERT|SIGNATURE/.test(String(error.details["systemCode"]));
}

/** Whether the network or the broker said why. */
function hasReason(error: unknown): boolean {
  return (
    error instanceof EdgeDistillError &&
    (error.details["systemCode"] !== undefined || error.details["reasonCode"] !== undefined)
  );
}
