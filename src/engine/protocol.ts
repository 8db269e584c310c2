import type { SerializedError } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import type { SessionOptions } from "./engine.js";
import type { SessionFacts } from "./ort-session.js";

/** What an engine asks of its worker. Requests are served one after the other, in order. */
export type WorkerRequest =
  | { kind: "open" }
  | { kind: "create"; session: number; model: Uint8Array | string; options: SessionOptions }
  | {
      kind: "run";
      session: number;
      feeds: Readonly<Record<string, HostTensor>>;
      outputs?: readonly string[];
    }
  | { kind: "release"; session: number }
  | { kind: "close" };

/** What each kind of request is answered with. */
export interface WorkerAnswers {
  open: { version: string };
  create: SessionFacts;
  run: Record<string, HostTensor>;
  release: null;
  close: null;
}

export interface WorkerRequestMessage {
  id: number;
  request: WorkerRequest;
}

export type WorkerAnswerMessage =
  | { id: number; value: WorkerAnswers[keyof WorkerAnswers] }
  | { id: number; error: SerializedError };

/** Buffers among `tensors` that can change hands: those that a tensor fills completely. */
export function transferList(tensors: Readonly<Record<string, HostTensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors))
    if (
      !Array.isArray(data) &&
      data.buffer instanceof ArrayBuffer &&
      data.byteLength === data.buffer.byteLength
    )
      buffers.add(data.buffer);
  return [...buffers];
}

/**
 * Feeds ready to be posted. A view into a larger buffer would take all of that buffer along, so views are cut out;
 * unless `transfer` is asked for, everything is copied once and the copy is handed over.
 */
export function postableFeeds(
  feeds: Readonly<Record<string, HostTensor>>,
  { transfer }: { transfer: boolean },
): { feeds: Readonly<Record<string, HostTensor>>; transferred: ArrayBuffer[] } {
  const ready: Record<string, HostTensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const { data } = feed;
    const whole =
      !Array.isArray(data) &&
      data.buffer instanceof ArrayBuffer &&
      data.byteLength === data.buffer.byteLength;
    ready[name] =
      Array.isArray(data) || (transfer && whole) ? feed : { ...feed, data: data.slice() };
  }
  return { feeds: ready, transferred: transferList(ready) };
}
