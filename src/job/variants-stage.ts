import { cpus } from "node:os";
import { createRng } from "../base/index.js";
import type { VariantDraft } from "../bundle/index.js";
import type { Dataset } from "../data/index.js";
import type { EngineSession } from "../engine/index.js";
import { measureInterleaved, type TimedSession } from "../evaluate/index.js";
import { prepareInput } from "../image/index.js";
import {
  loadCalibrationPreset,
  quantizeVariants,
  type Feeds,
  type QuantizedVariants,
  type Variant,
} from "../quantize/index.js";
import { jobInput, judgeModel, type Judged } from "./judge.js";
import type { NetworkContext } from "./networks.js";
import type { VariantResult } from "./result.js";

export interface JudgedVariant {
  variant: Variant;
  judged: Judged;
  /** Median of one image on one thread; null where this machine is not its target. */
  ms: number | null;
}

export interface VariantsStage {
  variants: readonly JudgedVariant[];
  calibration: QuantizedVariants["calibration"];
}

/** Runs of each variant that are timed. */
const TIMED_RUNS = 40;

/** Inputs made from a seeded draw of training images, as the device would make them. */
async function* calibrationSamples(
  { images }: Dataset,
  context: NetworkContext,
  count: number,
  seed: number | string,
): AsyncGenerator<Feeds> {
  const input = jobInput(context.config);
  for (const image of createRng(`calibrate/${String(seed)}`)
    .shuffle(images)
    .slice(0, count)) {
    const { tensor } = await prepareInput(image.path, input);
    yield { images: tensor };
  }
}

/** A variant is timed where its kernels are those of its target: float32 and ort-cpu int8 on a CPU. */
const timedHere = ({ target, precision }: Variant): boolean =>
  target === "ort-cpu" || precision === "fp32";

/** Quantizes the student, then judges every variant on the held-out images and times those that this machine can. */
export async function variantsStage(
  student: Uint8Array,
  context: NetworkContext,
): Promise<VariantsStage> {
  const { config, data, engine, onProgress, signal } = context;
  const preset = await loadCalibrationPreset(config.quantize.preset);
  const { variants, calibration } = await quantizeVariants(student, {
    engine,
    preset,
    calibrationSamples: calibrationSamples(
      data.unlabelled,
      context,
      preset.sampleCount,
      preset.seed,
    ),
    name: "student",
    onProgress,
    ...(signal ? { signal } : {}),
  });
  const judged = new Map<string, Judged>();
  for (const { name, bytes } of variants)
    judged.set(
      name,
      await judgeModel(bytes, data, config, {
        engine,
        name,
        onProgress,
        ...(signal ? { signal } : {}),
      }),
    );
  const ms = await timeVariants(variants, context);
  return {
    calibration,
    variants: variants.map((variant) => ({
      variant,
      judged: judged.get(variant.name) as Judged,
      ms: ms.get(variant.name) ?? null,
    })),
  };
}

async function timeVariants(
  variants: readonly Variant[],
  { config, data, engine, onProgress, signal }: NetworkContext,
): Promise<Map<string, number>> {
  const [image] = data.heldOut.images;
  if (!image) return new Map();
  const { tensor } = await prepareInput(image.path, jobInput(config));
  const opened: EngineSession[] = [];
  try {
    const sessions: Record<string, TimedSession> = {};
    for (const { name, bytes } of variants.filter(timedHere)) {
      const session = await engine.createSession(bytes, { name, intraOpThreads: 1 });
      opened.push(session);
      sessions[name] = { session, feeds: { images: tensor } };
    }
    const latencies = await measureInterleaved(sessions, {
      runs: TIMED_RUNS,
      onProgress,
      ...(signal ? { signal } : {}),
    });
    return new Map(Object.entries(latencies).map(([name, { medianMs }]) => [name, medianMs]));
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

/** The variants' rows of the result. */
export function variantResults({ variants }: VariantsStage): VariantResult[] {
  return variants.map(({ variant, judged, ms }) => ({
    name: variant.name,
    precision: variant.precision,
    target: variant.target,
    bytes: variant.bytes.byteLength,
    map50: judged.map,
    ms,
    integerConvs: [...variant.integerConvs],
    integerMacShare: variant.integerMacShare,
    audited: variant.audited,
  }));
}

/** The variants as a bundle takes them. */
export function variantDrafts(
  { variants }: VariantsStage,
  images: number,
  iouThreshold: number,
): VariantDraft[] {
  const machine = `${cpus()[0]?.model ?? "unknown CPU"}, one thread`;
  return variants.map(({ variant, judged, ms }) => ({
    name: variant.name,
    precision: variant.precision,
    target: variant.target,
    model: variant.bytes,
    accuracy: { metric: `map${String(Math.round(iouThreshold * 100))}`, value: judged.map, images },
    ...(ms === null ? {} : { latency: { ms, machine } }),
    ...(variant.audited
      ? { integerConvs: [...variant.integerConvs], integerMacShare: variant.integerMacShare }
      : {}),
    audited: variant.audited,
  }));
}
