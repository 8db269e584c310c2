import { EdgeDistillError } from "../base/index.js";
import type { ImageSource } from "../image/index.js";
import { captureTime, type Frame, type FrameSource } from "./frame.js";

/** A source that the application feeds. */
export interface PushSource extends FrameSource {
  /** Frames pushed and not yet taken. */
  readonly waiting: number;
  /**
   * Hands a frame over; resolves when there is room for it, which is the back-pressure. The image must stay unchanged
   * until its result is there.
   * @param id default: a running number
   * @param capturedAt default: now
   * @throws RUNTIME_CLOSED after `end()`, and when the stream that takes the frames is over
   */
  push(
    image: ImageSource,
    options?: { id?: string; capturedAt?: Frame["capturedAt"] },
  ): Promise<void>;
  /** No more frames come; those pushed are still taken. */
  end(): void;
}

/**
 * Frames pushed by the application: a camera of its own, a trigger of a line. For one stream.
 * @param capacity frames that wait here at most
 * @throws RUNTIME_SOURCE_TAKEN when a second stream wants the frames
 */
export function pushSource({
  name = "push",
  capacity = 4,
}: { name?: string; capacity?: number } = {}): PushSource {
  return new BoundedPushSource(name, Math.max(1, capacity));
}

interface Waiter {
  enter(): void;
  refuse(): void;
}

class BoundedPushSource implements PushSource {
  readonly name: string;
  readonly #capacity: number;
  readonly #frames: Frame[] = [];
  readonly #line: Waiter[] = [];
  #wake: (() => void) | undefined;
  #pushed = 0;
  #taken = false;
  /** `ended`: by the application; `over`: nobody takes frames any more. */
  #state: "open" | "ended" | "over" = "open";

  constructor(name: string, capacity: number) {
    this.name = name;
    this.#capacity = capacity;
  }

  get waiting(): number {
    return this.#frames.length + this.#line.length;
  }

  async push(
    image: ImageSource,
    {
      id = String(this.#pushed),
      capturedAt = captureTime(),
    }: { id?: string; capturedAt?: Frame["capturedAt"] } = {},
  ): Promise<void> {
    if (this.#state !== "open") throw this.#closedError();
    this.#pushed++;
    const frame = { id, capturedAt, image };
    if (this.#frames.length < this.#capacity && this.#line.length === 0) {
      this.#add(frame);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#line.push({
        enter: () => {
          this.#add(frame);
          resolve();
        },
        refuse: () => {
          reject(this.#closedError());
        },
      });
    });
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wake?.();
  }

  frames({ signal }: { signal: AbortSignal }): AsyncIterable<Frame> {
    if (this.#taken)
      throw new EdgeDistillError(
        "RUNTIME_SOURCE_TAKEN",
        `The source "${this.name}" has a stream already`,
        { hint: "Open a source for each stream.", details: { source: this.name } },
      );
    this.#taken = true;
    const over = (): void => {
      this.#over();
    };
    if (signal.aborted) over();
    else signal.addEventListener("abort", over, { once: true });
    return this.#drain();
  }

  async *#drain(): AsyncGenerator<Frame> {
    try {
      while (this.#state !== "over") {
        const frame = this.#frames.shift();
        if (frame !== undefined) {
          this.#line.shift()?.enter();
          yield frame;
        } else if (this.#state === "ended") return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#over();
    }
  }

  #over(): void {
    this.#state = "over";
    for (const waiter of this.#line.splice(0)) waiter.refuse();
    this.#wake?.();
  }

  #add(frame: Frame): void {
    this.#frames.push(frame);
    this.#wake?.();
  }

  #closedError(): EdgeDistillError {
    const ended = this.#state === "ended";
    return new EdgeDistillError(
      "RUNTIME_CLOSED",
      ended
        ? `The source "${this.name}" was ended`
        : `The stream of the source "${this.name}" is over`,
      { hint: "Push before the end, or open another source.", details: { source: this.name } },
    );
  }
}
