import { setImmediate } from "node:timers/promises";
import { EdgeDistillError } from "../base/index.js";
import type { OnRuntimeEvent } from "./events.js";
import type { Frame, FrameResult, FrameSource } from "./frame.js";

export interface FrameStreamOptions {
  /** Ends the stream: no more frames are taken, those in flight still come out. */
  signal?: AbortSignal;
  /**
   * `every`: no frame is lost, a slow consumer slows the source down (line inspection).
   * `latest`: the source is never held up; of the frames that wait only the newest is kept (live camera).
   */
  policy?: "every" | "latest";
  /** Frames between the source and the consumer. Default: what keeps all cores busy. */
  maxInFlight?: number;
}

/** Counters over all streams and single pictures of a runtime. */
export interface FrameCounters {
  /** Taken from sources, or given to `detect`. */
  taken: number;
  done: number;
  /** Could not be read. */
  failed: number;
  /** Made way for a newer one. */
  dropped: number;
}

/** What a stream needs of the runtime it belongs to. */
export interface StreamContext {
  process(frame: Frame, sequence: number): Promise<FrameResult>;
  counters: FrameCounters;
  emit: OnRuntimeEvent;
}

interface NumberedFrame {
  frame: Frame;
  sequence: number;
}

type Outcome = { result: FrameResult } | { failed: EdgeDistillError } | { error: unknown };

/** Errors that are a frame's own: the next one may be fine. */
const OF_THE_FRAME: readonly string[] = [
  "IMAGE_NOT_AN_IMAGE",
  "IMAGE_CORRUPT",
  "IMAGE_TOO_LARGE",
  "IMAGE_SIZE",
  "IO_NOT_FOUND",
  "IO_FAILED",
];

/** Whether an error says something of this picture only. */
export function isFrameError(error: unknown): error is EdgeDistillError {
  return error instanceof EdgeDistillError && OF_THE_FRAME.includes(error.code);
}

/**
 * One pass of a source through a runtime. A pump takes frames and starts them, results come out in the order of the
 * frames. The stream ends with its source, or gracefully when it is stopped.
 */
export class FrameStream {
  readonly #source: FrameSource;
  readonly #context: StreamContext;
  readonly #policy: "every" | "latest";
  readonly #maxInFlight: number;
  readonly #stop = new AbortController();
  /** Frames started and not yet handed to the consumer, in order. */
  readonly #flights: Promise<Outcome>[] = [];
  /** The newest frame that found no place (`latest`). */
  #waiting: NumberedFrame | undefined;
  #sequence = 0;
  #ended = false;
  #sourceError: { error: unknown } | undefined;
  #interrupt: (() => void) | undefined;
  #wake: (() => void)[] = [];

  constructor(
    source: FrameSource,
    context: StreamContext,
    { policy, maxInFlight }: { policy: "every" | "latest"; maxInFlight: number },
  ) {
    this.#source = source;
    this.#context = context;
    this.#policy = policy;
    this.#maxInFlight = maxInFlight;
  }

  /** Takes no more frames; what is in flight still comes out. */
  stop(): void {
    this.#stop.abort();
    this.#interrupt?.();
    this.#changed();
  }

  /** Results in order. Leaving the loop early stops the source. */
  async *results(): AsyncGenerator<FrameResult, void, undefined> {
    // Never rejects: what the source throws is kept for the end.
    const pump = this.#pump();
    try {
      for (;;) {
        const [head] = this.#flights;
        if (head === undefined) {
          if (this.#ended) break;
          await this.#change();
          continue;
        }
        const outcome = await head;
        void this.#flights.shift();
        this.#startWaiting();
        this.#changed();
        if ("error" in outcome) throw outcome.error;
        if ("result" in outcome) yield outcome.result;
      }
      if (this.#sourceError !== undefined) throw this.#sourceError.error;
    } finally {
      this.stop();
      await pump;
      await Promise.all(this.#flights);
    }
  }

  async #pump(): Promise<void> {
    const { signal } = this.#stop;
    let iterator: AsyncIterator<Frame> | undefined;
    try {
      iterator = this.#source.frames({ signal })[Symbol.asyncIterator]();
      for (;;) {
        await this.#turn();
        if (signal.aborted) break;
        const next = await this.#next(iterator);
        if (next === undefined || next.done === true) break;
        this.#take(next.value);
      }
      if (!signal.aborted) await this.#lastWaiting();
    } catch (error) {
      this.#sourceError = { error };
    }
    this.#dropWaiting();
    // A source of others may hang in next(): it is told, not waited for.
    if (signal.aborted) void iterator?.return?.().catch(() => undefined);
    this.#ended = true;
    this.#changed();
  }

  /** Resolves when a frame may be taken, or the stream is stopped. */
  async #turn(): Promise<void> {
    if (this.#policy === "latest") await setImmediate();
    else
      while (this.#flights.length >= this.#maxInFlight && !this.#stop.signal.aborted)
        await this.#change();
  }

  /** The source's next frame; undefined when the stream is stopped first. */
  #next(iterator: AsyncIterator<Frame>): Promise<IteratorResult<Frame> | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      iterator.next().then(resolve, reject);
    });
  }

  #take(frame: Frame): void {
    const numbered = { frame, sequence: this.#sequence++ };
    this.#context.counters.taken++;
    if (this.#flights.length < this.#maxInFlight) {
      this.#start(numbered);
      return;
    }
    this.#dropWaiting();
    this.#waiting = numbered;
  }

  #start({ frame, sequence }: NumberedFrame): void {
    const { process, counters, emit } = this.#context;
    const source = this.#source.name;
    const flight = process(frame, sequence).then(
      (result): Outcome => {
        counters.done++;
        return { result };
      },
      (error: unknown): Outcome => {
        counters.failed++;
        if (!isFrameError(error)) return { error };
        emit({ kind: "frame-failed", source, frameId: frame.id, sequence, error });
        return { failed: error };
      },
    );
    this.#flights.push(flight);
    this.#changed();
  }

  #startWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#flights.length >= this.#maxInFlight) return;
    this.#waiting = undefined;
    if (this.#stop.signal.aborted) this.#drop(waiting);
    else this.#start(waiting);
  }

  /** At the end of the source the last frame is still wanted. */
  async #lastWaiting(): Promise<void> {
    while (this.#waiting !== undefined && !this.#stop.signal.aborted) await this.#change();
  }

  #dropWaiting(): void {
    if (this.#waiting !== undefined) this.#drop(this.#waiting);
    this.#waiting = undefined;
  }

  #drop({ frame, sequence }: NumberedFrame): void {
    this.#context.counters.dropped++;
    const source = this.#source.name;
    this.#context.emit({ kind: "frame-dropped", source, frameId: frame.id, sequence });
  }

  /** Resolves at the next change of anything. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
