import type { Message, StateMessage } from "../wire/index.js";
import { SequenceSet } from "./sequence-set.js";

/** Messages of one topic and boot that were given out and have not arrived. */
export interface Gap {
  topic: string;
  boot: string;
  /** `[first, last]` topic sequence numbers. */
  ranges: [number, number][];
  missing: number;
}

/** Newest messages remembered by id where there is no topic sequence (state, birth). */
const REMEMBERED_IDS = 4096;
/** Boots of one topic whose sequences are kept. */
const BOOTS_PER_TOPIC = 8;

/**
 * What has been seen: by sequence where messages are numbered (exact, however far back), by id where they are not.
 */
export class MessageLedger {
  #topics = new Map<string, Map<string, SequenceSet>>();
  #ids = new Set<string>();
  #fromStart: boolean;
  #missingOfForgotten = 0;

  /** @param fromStart whether the first boot seen of each device is expected from its first message on */
  constructor({ fromStart }: { fromStart: boolean }) {
    this.#fromStart = fromStart;
  }

  /**
   * Enters a message.
   * @returns undefined when it was there already; else the number that was the lowest missing one before, where numbered
   */
  enter(topic: string, message: Message): { expected: number | undefined } | undefined {
    const { boot, topicSeq } = message.data.trace;
    if (topicSeq !== undefined) {
      const set = this.#sequences(topic, boot);
      const expected = set.firstMissing;
      return set.add(topicSeq) ? { expected } : undefined;
    }
    if (this.#ids.has(message.id)) return undefined;
    this.#ids.add(message.id);
    if (this.#ids.size > REMEMBERED_IDS) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    return { expected: undefined };
  }

  /** Takes from a device's good-bye how far each of its topics went. */
  expect(message: StateMessage, isSubscribed: (topic: string) => boolean): void {
    for (const { topic, sequence } of message.data.lastSequences ?? []) {
      const full = `${message.source}/${topic}`;
      const boot = message.data.trace.boot;
      // A boot of which nothing was seen may have ended before this consumer began.
      if (isSubscribed(full) && (this.#fromStart || this.#topics.get(full)?.has(boot)))
        this.#sequences(full, boot).expectUpTo(sequence);
    }
  }

  /** Whether anything that a good-bye names is missing, in the topics of which something is known. */
  isIncomplete(message: StateMessage): boolean {
    const boot = message.data.trace.boot;
    return (message.data.lastSequences ?? []).some(
      ({ topic }) => (this.#topics.get(`${message.source}/${topic}`)?.get(boot)?.missing ?? 0) > 0,
    );
  }

  /** Messages proven missing now; late arrivals take them back. */
  get missing(): number {
    let sum = this.#missingOfForgotten;
    for (const boots of this.#topics.values()) for (const set of boots.values()) sum += set.missing;
    return sum;
  }

  gaps(): Gap[] {
    const gaps: Gap[] = [];
    for (const [topic, boots] of this.#topics)
      for (const [boot, set] of boots)
        if (set.missing > 0)
          gaps.push({ topic, boot, ranges: set.missingRanges(), missing: set.missing });
    return gaps;
  }

  #sequences(topic: string, boot: string): SequenceSet {
    let boots = this.#topics.get(topic);
    if (boots === undefined) this.#topics.set(topic, (boots = new Map<string, SequenceSet>()));
    let set = boots.get(boot);
    if (set === undefined) {
      // A boot that follows one we know began while we listened: its first message is number 1.
      set = new SequenceSet(this.#fromStart || boots.size > 0 ? { from: 1 } : {});
      boots.set(boot, set);
      const [oldest] = boots;
      if (boots.size > BOOTS_PER_TOPIC && oldest !== undefined) {
        this.#missingOfForgotten += oldest[1].missing;
        boots.delete(oldest[0]);
      }
    }
    return set;
  }
}
