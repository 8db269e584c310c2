import type { BrokerConnection } from "./broker-connection.js";

/** The PUBACK owed for one delivery. */
export interface OwedAck {
  settle(): void;
}

/**
 * PUBACKs owed on one connection. MQTT wants them in the order of arrival (MQTT-4.6.0-2), so one that is settled early
 * waits for those before it.
 */
export class AckQueue {
  #owed: { messageId: number; settled: boolean }[] = [];
  #connection: BrokerConnection;
  #onRoom: (() => void) | undefined;

  constructor(connection: BrokerConnection) {
    this.#connection = connection;
  }

  get length(): number {
    return this.#owed.length;
  }

  owe(messageId: number): OwedAck {
    const entry = { messageId, settled: false };
    this.#owed.push(entry);
    return {
      settle: () => {
        entry.settled = true;
        this.#flush();
      },
    };
  }

  /** Calls `room` once, as soon as fewer than `limit` are owed. */
  whenBelow(limit: number, room: () => void): void {
    if (this.#owed.length < limit) room();
    else {
      this.#connection.setStalled(true);
      this.#onRoom = () => {
        if (this.#owed.length >= limit) return;
        this.#onRoom = undefined;
        this.#connection.setStalled(false);
        room();
      };
    }
  }

  #flush(): void {
    const waiting = this.#owed.findIndex(({ settled }) => !settled);
    const ready = this.#owed.splice(0, waiting === -1 ? this.#owed.length : waiting);
    this.#connection.acknowledge(ready.map(({ messageId }) => messageId));
    if (ready.length > 0) this.#onRoom?.();
  }
}
