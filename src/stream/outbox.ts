/** A message on its way to the broker. */
export interface OutboxEntry {
  readonly id: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Called once: true when the broker answered for it, false when that will not come any more. */
  readonly settle: (delivered: boolean) => void;
}

/** Bounds of an outbox. */
export interface OutboxLimits {
  /** Default 10,000. */
  maxMessages?: number;
  /** Bytes of payload. Default 64 MiB. */
  maxBytes?: number;
}

/**
 * Messages in the order in which they were published, each kept until the broker has answered for it. `rewind()` starts
 * again from the oldest unanswered one, on a new connection: same bytes, same id, same order.
 */
export class Outbox {
  readonly maxMessages: number;
  readonly maxBytes: number;
  #entries: (OutboxEntry | undefined)[] = [];
  /** Index of the oldest that is kept, and of the next to be sent. */
  #head = 0;
  #next = 0;
  #messages = 0;
  #bytes = 0;

  constructor({ maxMessages = 10_000, maxBytes = 64 * 1024 * 1024 }: OutboxLimits = {}) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether one more message may enter. The last one in may exceed `maxBytes`, so that no message is too large to ever enter. */
  get hasRoom(): boolean {
    return this.#messages < this.maxMessages && this.#bytes < this.maxBytes;
  }

  append(entry: OutboxEntry): void {
    this.#entries.push(entry);
    this.#messages++;
    this.#bytes += entry.payload.byteLength;
  }

  /** The next message to send, or undefined when all are on their way. */
  takeNext(): { entry: OutboxEntry; index: number } | undefined {
    while (this.#next < this.#entries.length) {
      const index = this.#next++;
      const entry = this.#entries[index];
      if (entry !== undefined) return { entry, index: index + this.#base };
    }
    return undefined;
  }
  /** Entries dropped from the front of the array so far: positions stay valid across compaction. */
  #base = 0;

  /** Removes a message for good. @param index as given by `takeNext` */
  remove(index: number, delivered: boolean): void {
    const at = index - this.#base;
    const entry = this.#entries[at];
    if (entry === undefined) return;
    this.#entries[at] = undefined;
    this.#messages--;
    this.#bytes -= entry.payload.byteLength;
    while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined)
      this.#head++;
    this.#next = Math.max(this.#next, this.#head);
    // Compact when at least half is spent, so that each entry is moved a constant number of times.
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#base += this.#head;
      this.#next -= this.#head;
      this.#head = 0;
    }
    entry.settle(delivered);
  }

  /** The next to be sent is the oldest unanswered one again. */
  rewind(): void {
    this.#next = this.#head;
  }

  /** What is kept, oldest first. */
  kept(): OutboxEntry[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }
}
