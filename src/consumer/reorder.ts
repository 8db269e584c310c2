interface Lane<T> {
  /** The number to be released next. */
  next: number;
  held: Map<number, T>;
  timer: NodeJS.Timeout | undefined;
}

export interface ReorderOptions<T> {
  /** How long something may wait for what should come before it. */
  windowMs: number;
  /** Above this many waiting in one lane, the gap is passed over at once. */
  maxHeld: number;
  release: (item: T) => void;
}

/** Lanes remembered after disorder; only those in which nothing waits are forgotten. */
const MAX_LANES = 1000;

/**
 * Restores the order of each lane (one topic of one boot). What comes too early waits for what is missing before it, at
 * most `windowMs`; while everything comes in order, nothing waits and nothing is remembered.
 */
export class Reorder<T> {
  #lanes = new Map<string, Lane<T>>();
  #options: ReorderOptions<T>;
  #held = 0;

  constructor(options: ReorderOptions<T>) {
    this.#options = options;
  }

  /** Items that wait. */
  get held(): number {
    return this.#held;
  }

  /**
   * @param sequence the item's number in its lane; no number twice
   * @param expected the lowest number of the lane that has not come, before this one; undefined if none ever came
   */
  enter(key: string, sequence: number, expected: number | undefined, item: T): void {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      if (expected === undefined || sequence <= expected) return this.#options.release(item);
      lane = { next: expected, held: new Map<number, T>(), timer: undefined };
      this.#forgetIdle();
      this.#lanes.set(key, lane);
    }
    // Later than the window: better late than never.
    if (sequence < lane.next) return this.#options.release(item);
    lane.held.set(sequence, item);
    this.#held++;
    this.#releaseRun(lane);
    if (lane.held.size > this.#options.maxHeld) this.#passOver(lane);
    this.#watch(lane);
  }

  /** Releases nothing more; what waits is dropped. */
  close(): void {
    for (const { timer } of this.#lanes.values()) clearTimeout(timer);
    this.#lanes.clear();
    this.#held = 0;
  }

  #releaseRun(lane: Lane<T>): void {
    for (let item = lane.held.get(lane.next); item !== undefined; item = lane.held.get(lane.next)) {
      lane.held.delete(lane.next++);
      this.#held--;
      this.#options.release(item);
    }
    if (lane.held.size === 0) {
      clearTimeout(lane.timer);
      lane.timer = undefined;
    }
  }

  #passOver(lane: Lane<T>): void {
    if (lane.held.size === 0) return;
    lane.next = Math.min(...lane.held.keys());
    this.#releaseRun(lane);
  }

  #watch(lane: Lane<T>): void {
    if (lane.held.size === 0 || lane.timer !== undefined) return;
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.#passOver(lane);
      this.#watch(lane);
    }, this.#options.windowMs);
  }

  #forgetIdle(): void {
    if (this.#lanes.size < MAX_LANES) return;
    for (const [key, lane] of this.#lanes) if (lane.held.size === 0) this.#lanes.delete(key);
  }
}
