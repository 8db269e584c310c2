import { randomBytes } from "node:crypto";
import {
  deviceSource,
  formatTopic,
  isStreamKind,
  messageId,
  messageType,
  type ClockQuality,
  type DeviceAddress,
  type MessageKind,
  type MessageOf,
  type Topic,
  type Trace,
} from "../wire/index.js";
import { instantNow, type Instant } from "./clock.js";

/** A payload before it is traced. */
export type Untraced<K extends MessageKind> = Omit<MessageOf<K>["data"], "trace">;

/**
 * Gives out the numbers of one boot: a running one over everything, and one for each topic in which no message may
 * be missing.
 */
export class Numbering {
  readonly boot: string = randomBytes(8).toString("hex");
  readonly source: string;
  #address: DeviceAddress;
  #clock: () => ClockQuality;
  #seq = 0;
  #topics = new Map<string, number>();

  constructor(address: DeviceAddress, clock: () => ClockQuality) {
    this.source = deviceSource(address);
    this.#address = { site: address.site, group: address.group, device: address.device };
    this.#clock = clock;
  }

  /** @throws WIRE_TOPIC */
  topic(kind: MessageKind, stream?: string): string {
    const parts = isStreamKind(kind)
      ? { ...this.#address, stream: stream ?? "", kind }
      : { ...this.#address, kind };
    return formatTopic(parts satisfies Topic);
  }

  /** The trace of the next message; nothing is given out until `commit` is called. */
  next(
    topic: string,
    { at = instantNow(), numbered }: { at?: Instant | undefined; numbered: boolean },
  ): {
    trace: Trace;
    time: string;
    commit: () => void;
  } {
    const seq = this.#seq + 1;
    const topicSeq = (this.#topics.get(topic) ?? 0) + 1;
    return {
      trace: {
        device: this.#address.device,
        boot: this.boot,
        seq,
        ...(numbered ? { topicSeq } : {}),
        monotonicNs: at.monotonicNs.toString(),
        clock: this.#clock(),
      },
      time: at.wallTime.toISOString(),
      commit: () => {
        this.#seq = seq;
        if (numbered) this.#topics.set(topic, topicSeq);
      },
    };
  }

  /** The last number of every numbered topic, for the good-bye. */
  lastSequences(): { topic: string; sequence: number }[] {
    return [...this.#topics].map(([topic, sequence]) => ({
      topic: topic.slice(this.source.length + 1),
      sequence,
    }));
  }

  /** The parts of the envelope that follow from kind and trace. */
  envelope<K extends MessageKind>(kind: K, trace: Trace, time: string) {
    return {
      specversion: "1.0" as const,
      id: messageId(trace),
      source: this.source,
      type: messageType(kind),
      time,
      datacontenttype: "application/json" as const,
    };
  }
}
