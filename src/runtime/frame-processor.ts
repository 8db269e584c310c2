import { decodeDetections, type DecodeSpec } from "../decode/index.js";
import { prepareInput, type InputSpec } from "../image/index.js";
import type { Frame, FrameResult } from "./frame.js";
import type { InferenceLane } from "./inference-lane.js";
import { Slots } from "./slots.js";

export interface FrameProcessorOptions {
  lane: InferenceLane;
  input: InputSpec;
  decode: DecodeSpec;
  variant: string;
  modelHash: string;
  /** Frames that are decoded at the same time. */
  decoders: number;
  /** Frames between the start of decoding and the end of the run: bounds the memory for inputs. */
  maxPrepared: number;
  /** See the image room: cameras write JPEGs that a strict decoder warns of. */
  tolerance: "strict" | "lenient";
}

/**
 * Takes a frame from picture to detections. Calls overlap: while one frame is in the model, the next is decoded. Streams
 * and single pictures share the places, first come, first served.
 */
export class FrameProcessor {
  readonly #options: FrameProcessorOptions;
  readonly #prepared: Slots;
  readonly #decoding: Slots;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: FrameProcessorOptions) {
    this.#options = options;
    this.#prepared = new Slots(options.maxPrepared);
    this.#decoding = new Slots(options.decoders);
  }

  /** Frames from acceptance to result. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** Those among them that wait for a place. */
  get queued(): number {
    return this.#prepared.waiting + this.#decoding.waiting;
  }

  /** @throws what preparing, running and decoding throw */
  process(frame: Frame, sequence: number): Promise<FrameResult> {
    const takenNs = process.hrtime.bigint();
    const work = this.#prepared.within(() => this.#process(frame, sequence, takenNs));
    this.#underWay.add(work);
    const done = (): void => void this.#underWay.delete(work);
    work.then(done, done);
    return work;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #process(frame: Frame, sequence: number, takenNs: bigint): Promise<FrameResult> {
    const { lane, input, decode, variant, modelHash, tolerance } = this.#options;
    const { prepared, decodeStartNs, decodedNs } = await this.#decoding.within(async () => {
      const decodeStartNs = process.hrtime.bigint();
      const prepared = await prepareInput(frame.image, input, { tolerance });
      return { prepared, decodeStartNs, decodedNs: process.hrtime.bigint() };
    });
    const { outputs, startedNs, endedNs } = await lane.run(prepared.tensor);
    const { transform } = prepared;
    const detections = decodeDetections(outputs, decode, transform);
    const resultNs = process.hrtime.bigint();
    // An application's own clock may run a little ahead.
    const capturedNs = min(frame.capturedAt.monotonicNs, takenNs);
    return {
      frameId: frame.id,
      sequence,
      capturedAt: frame.capturedAt,
      widthPx: transform.sourceWidthPx,
      heightPx: transform.sourceHeightPx,
      detections,
      variant,
      modelHash,
      stagesMs: {
        source: ms(takenNs - capturedNs),
        decode: ms(decodedNs - decodeStartNs),
        queue: ms(decodeStartNs - takenNs + (startedNs - decodedNs)),
        infer: ms(endedNs - startedNs),
        decodeOutput: ms(resultNs - endedNs),
        total: ms(resultNs - capturedNs),
      },
    };
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const ms = (ns: bigint): number => Number(ns) / 1e6;
