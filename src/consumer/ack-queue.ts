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
  #unsettled = 0;
  #connection: BrokerConnection;
  #onRoom: (() => void) | undefined;

  constructor(connection: BrokerConnection) {
    this.#connection = connection;
  }

  owe(messageId: number): OwedAck {
    const entry = { messageId, settled: false };
    this.#owed.push(entry);
    this.#unsettled++;
    return {
      settle: () => {
        if (entry.settled) return;
        entry.settled = true;
        this.#unsettled--;
        this.#flush();
        this.#onRoom?.();
      },
    };
  }

  /** Calls `room` once, as soon as fewer than `limit()` are unsettled. Until then the connection counts as stalled. */
  whenBelow(limit: () => number, room: () => void): void {
    if (this.#unsettled < limit()) return room();
    this.#connection.setStalled(true);
    this.#onRoom = () => {
      if (this.#unsettled >= limit()) return;
      this.#onRoom = undefined;
      this.#connection.setStalled(false);
      room();
    };
  }

  #flush(): void {
    const waiting = this.#owed.findIndex(({ settled }) => !settled);
    const ready = this.#owed.splice(0, waiting === -1 ? this.#owed.length : waiting);
    this.#connection.acknowledge(ready.map(({ messageId }) => messageId));
  }
}
