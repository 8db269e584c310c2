import { EdgeDistillError } from "../base/index.js";
import type { BundleManifest, BundleVariant } from "../bundle/index.js";
import type { DecodeSpec } from "../decode/index.js";
import type { DeviceProfile, MachineFacts } from "../device/index.js";
import type { ProviderAttempt, ProviderName } from "../engine/index.js";
import type { ImageSource } from "../image/index.js";
import type { OnRuntimeEvent } from "./events.js";
import {
  captureTime,
  type Frame,
  type FrameResult,
  type FrameSource,
  type Stage,
} from "./frame.js";
import { FrameProcessor } from "./frame-processor.js";
import { FrameStream, type FrameCounters, type FrameStreamOptions } from "./frame-stream.js";
import { InferenceLane } from "./inference-lane.js";
import type { LoadedVariant } from "./load-variant.js";
import type { VariantSelection } from "./select-variant.js";
import { StageTimes, type StageSummary } from "./stage-times.js";

/** What a runtime is made of. */
export interface RuntimeParts extends LoadedVariant {
  manifest: BundleManifest;
  profile: DeviceProfile;
  machine: MachineFacts;
  decode: DecodeSpec;
  tolerance: "strict" | "lenient";
  emit: OnRuntimeEvent;
}

export interface RuntimeStats {
  frames: Readonly<FrameCounters>;
  /** Frames from acceptance to result, and those among them that wait for a place. */
  inFlight: number;
  queued: number;
  /** Over the last 512 results. */
  stagesMs: Readonly<Record<Stage, StageSummary>>;
  workers: number;
  uptimeMs: number;
}

/** Frames decoded at the same time at most: as many as libuv's pool, where sharp works, has threads. */
const MAX_DECODERS = 4;

/** A verified model, ready to look at pictures. Open it with {@link openRuntime}. */
export class Runtime implements AsyncDisposable {
  readonly manifest: BundleManifest;
  /** What runs, and why. */
  readonly variant: BundleVariant;
  readonly selection: VariantSelection;
  /** The profile that the choice was made for. */
  readonly profile: DeviceProfile;
  readonly provider: ProviderName;
  /** Every provider that was tried for the variant that runs. */
  readonly attempts: readonly ProviderAttempt[];

  readonly #parts: RuntimeParts;
  readonly #processor: FrameProcessor;
  readonly #streams = new Set<FrameStream>();
  readonly #counters: FrameCounters = { taken: 0, done: 0, failed: 0, dropped: 0 };
  readonly #times = new StageTimes();
  readonly #startedMs = performance.now();
  readonly #defaultInFlight: number;
  #nextPicture = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: RuntimeParts) {
    const { manifest, selection, session, workers, machine, decode, tolerance } = parts;
    this.#parts = parts;
    this.manifest = manifest;
    this.selection = selection;
    this.variant = selection.variant;
    this.profile = parts.profile;
    this.provider = session.provider;
    this.attempts = session.attempts;
    const decoders = Math.min(MAX_DECODERS, Math.max(2, machine.cores));
    this.#defaultInFlight = workers + decoders;
    this.#processor = new FrameProcessor({
      lane: new InferenceLane(session, workers),
      input: manifest.input,
      decode,
      variant: this.variant.name,
      modelHash: this.variant.sha256,
      decoders,
      maxPrepared: this.#defaultInFlight,
      tolerance,
    });
  }

  /**
   * Detections of one picture. Calls may overlap.
   * @param image a path, an encoded image's bytes, or RGB pixels; it must stay unchanged until the result is there
   * @throws IO_NOT_FOUND, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, IMAGE_SIZE, ENGINE_RUN, ENGINE_CRASHED,
   *   RUNTIME_CLOSED
   */
  async detect(
    image: ImageSource,
    { id, capturedAt = captureTime() }: { id?: string; capturedAt?: Frame["capturedAt"] } = {},
  ): Promise<FrameResult> {
    if (this.#closing !== undefined) throw closedError();
    const sequence = this.#nextPicture++;
    this.#counters.taken++;
    const frame = {
      id: id ?? (typeof image === "string" ? image : String(sequence)),
      capturedAt,
      image,
    };
    try {
      const result = await this.#process(frame, sequence);
      this.#counters.done++;
      return result;
    } catch (error) {
      this.#counters.failed++;
      throw error;
    }
  }

  /**
   * Detections of every frame of a source, in order. Decoding, the model and the consumer work at the same time on
   * different frames. A frame that cannot be read gives an event and a counter, and the stream goes on; when the signal
   * fires, what is in flight still comes out and the loop ends without an error. Several streams share the model.
   * @param source one of this room's, or any iterable of frames
   * @throws RUNTIME_CLOSED at once; while iterating what the source throws, ENGINE_RUN, ENGINE_CRASHED
   */
  stream(
    source: FrameSource | AsyncIterable<Frame>,
    { signal, policy = "every", maxInFlight }: FrameStreamOptions = {},
  ): AsyncIterable<FrameResult> {
    if (this.#closing !== undefined) throw closedError();
    const limit = Math.max(1, maxInFlight ?? this.#defaultInFlight);
    const named = "frames" in source ? source : { name: "frames", frames: () => source };
    return { [Symbol.asyncIterator]: () => this.#run(named, { signal, policy, limit }) };
  }

  stats(): RuntimeStats {
    return {
      frames: { ...this.#counters },
      inFlight: this.#processor.inFlight,
      queued: this.#processor.queued,
      stagesMs: this.#times.summary(),
      workers: this.#parts.workers,
      uptimeMs: performance.now() - this.#startedMs,
    };
  }

  /** One run in every worker: the model fits the manifest, and the first frame is as fast as the next. @internal */
  async warmUp(): Promise<void> {
    const { widthPx, heightPx } = this.manifest.input;
    const image = { pixels: new Uint8Array(widthPx * heightPx * 3), widthPx, heightPx };
    const frame = { id: "warm-up", capturedAt: captureTime(), image };
    await Promise.all(
      Array.from({ length: this.#parts.workers }, () => this.#processor.process(frame, 0)),
    );
  }

  /** Stops the streams, lets what is in flight come out, and frees the model. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const stream of this.#streams) stream.stop();
    await this.#processor.idle();
    await this.#parts.session.close();
    await this.#parts.engine.close();
  }

  async *#run(
    source: FrameSource,
    {
      signal,
      policy,
      limit,
    }: { signal: AbortSignal | undefined; policy: "every" | "latest"; limit: number },
  ): AsyncGenerator<FrameResult, void, undefined> {
    if (this.#closing !== undefined) throw closedError();
    const stream = new FrameStream(
      source,
      {
        process: (frame, sequence) => this.#process(frame, sequence),
        counters: this.#counters,
        emit: this.#parts.emit,
      },
      { policy, maxInFlight: limit },
    );
    const stop = (): void => stream.stop();
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
    this.#streams.add(stream);
    try {
      yield* stream.results();
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#streams.delete(stream);
    }
  }

  async #process(frame: Frame, sequence: number): Promise<FrameResult> {
    const result = await this.#processor.process(frame, sequence);
    this.#times.add(result.stagesMs);
    return result;
  }
}

function closedError(): EdgeDistillError {
  return new EdgeDistillError("RUNTIME_CLOSED", "The runtime is closed", {
    hint: "Open it again with openRuntime().",
  });
}
