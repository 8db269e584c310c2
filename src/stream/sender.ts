import type { Logger } from "../base/index.js";
import type { BrokerConnection } from "../consumer/index.js";
import { CONTENT_TYPE } from "../wire/index.js";
import type { Outbox } from "./outbox.js";

/** What a PUBLISH adds to topic and payload at most: header, packet id, our properties. */
const PACKET_OVERHEAD_BYTES = 128;

export interface SenderOptions {
  maxInFlight: number;
  /** A message left the outbox. */
  onRemoved: () => void;
  /** The broker wants to be left alone for a while: end this connection, try again on the next. */
  onRetry: () => void;
  log: Logger;
}

/**
 * Moves messages from the outbox to the broker, in order, some in flight. Whatever was not answered when a connection
 * ends is sent again on the next one.
 */
export class Sender {
  readonly counts = { acknowledged: 0, refused: 0 };
  #outbox: Outbox;
  #options: SenderOptions;
  #connection: BrokerConnection | undefined;
  #inFlight = 0;

  constructor(outbox: Outbox, options: SenderOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  /** Takes a new connection and starts again with the oldest unanswered message. */
  use(connection: BrokerConnection): void {
    this.#connection = connection;
    this.#inFlight = 0;
    this.#outbox.rewind();
    this.pump();
  }

  pause(): void {
    this.#connection = undefined;
  }

  /** Sends what may be sent. */
  pump(): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.alive) return;
    const window = Math.min(this.#options.maxInFlight, connection.receiveMaximum);
    while (this.#inFlight < window) {
      const next = this.#outbox.takeNext();
      if (next === undefined) return;
      const { entry, index } = next;
      if (
        entry.topic.length + entry.payload.byteLength + PACKET_OVERHEAD_BYTES >
        connection.maximumPacketBytes
      ) {
        this.#refuse(
          index,
          `${entry.id} is larger than the broker's ${connection.maximumPacketBytes} bytes`,
        );
        continue;
      }
      this.#inFlight++;
      connection.publish(
        entry.topic,
        entry.payload,
        { retain: false, contentType: CONTENT_TYPE },
        (outcome) => {
          if (this.#connection !== connection) return;
          this.#inFlight--;
          if (outcome.kind === "retry") {
            this.#options.log.warn(
              `The broker did not take ${entry.id} (${outcome.reason}); trying again`,
            );
            this.pause();
            return this.#options.onRetry();
          }
          if (outcome.kind === "refused") this.#refuse(index, `${entry.id}: ${outcome.reason}`);
          else {
            this.counts.acknowledged++;
            this.#outbox.remove(index, true);
            this.#options.onRemoved();
          }
          this.pump();
        },
      );
    }
  }

  #refuse(index: number, reason: string): void {
    this.counts.refused++;
    this.#options.log.warn(`The broker refuses a message for good, it is lost: ${reason}`);
    this.#outbox.remove(index, false);
    this.#options.onRemoved();
  }
}
