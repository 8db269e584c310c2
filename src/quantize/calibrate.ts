import { createHash } from "node:crypto";
import { EdgeDistillError, throwIfAborted, type OnProgress } from "../base/index.js";
import type { Engine, EngineSession } from "../engine/index.js";
import { cloneModel, serializeModel, type Model, type Value } from "../onnx/index.js";
import { elementCount, type HostTensor } from "../tensor/index.js";
import { TensorHistogram } from "./histogram.kernel.js";
import { OBSERVERS, type Range } from "./observers.js";
import type { CalibrationPreset } from "./preset.js";
import { feedsSilu, silu } from "./residual.js";

/** Tensors by input name, as {@link EngineSession.run} takes them. */
export type Feeds = Readonly<Record<string, HostTensor>>;

/** What calibration found for one activation. */
export interface TensorRange extends Range {
  /** Largest magnitude of the signed grid with zero point 0. `min` and `max` are those of the unsigned grid. */
  readonly limit: number;
  /** All that was seen. */
  readonly observed: Range;
  /** Share of the values seen that lie outside `[min, max]`. */
  readonly clippedShare: number;
  /** Mean per channel (axis 1), when every tensor seen had as many. */
  readonly channelMeans: Float64Array | undefined;
}

/** Which images, chosen and read how, a calibration stands on. */
export interface CalibrationIdentity {
  preset: string;
  method: string;
  samples: number;
  /** Hash of the list of the samples' hashes, in order. */
  imagesSha256: string;
}

export interface Calibration {
  /** By value name. */
  readonly ranges: ReadonlyMap<string, TensorRange>;
  readonly identity: CalibrationIdentity;
}

export interface CalibrateOptions {
  engine: Engine;
  preset: CalibrationPreset;
  /** Activations to watch; see {@link plannedValues}. */
  values: readonly Value[];
  /** Fewest samples that are taken for a calibration. */
  minimumSamples?: number;
  /** Activations fetched at once; more than that takes another run of the model per sample. */
  maxFetchMiB?: number;
  intraOpThreads?: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** Fewer images than this give ranges by accident. */
export const MINIMUM_SAMPLES = 8;

/**
 * Runs the float model over sample inputs and chooses a range for every activation named.
 * @param samples one image each, or a batch; the first `preset.sampleCount` images are used
 * @throws QUANTIZE_TOO_FEW_SAMPLES, QUANTIZE_NON_FINITE (naming value and node), INTERRUPTED, and what the engine throws
 */
export async function calibrate(
  model: Model,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  {
    engine,
    preset,
    values,
    minimumSamples = MINIMUM_SAMPLES,
    maxFetchMiB = 192,
    intraOpThreads,
    onProgress,
    signal,
  }: CalibrateOptions,
): Promise<Calibration> {
  const inputs = new Set(model.graph.inputs.map((v) => v.name));
  const histograms = new Map(values.map((v) => [v.name, new TensorHistogram(preset.bins)]));
  const batches = fetchBatches(
    values.filter((v) => !inputs.has(v.name)),
    maxFetchMiB * 2 ** 20,
  );
  await using session = await engine.createSession(serializeModel(withOutputs(model, values)), {
    name: "calibration model",
    ...(intraOpThreads === undefined ? {} : { intraOpThreads }),
  });
  const hashes = createHash("sha256");
  let seen = 0;
  for await (const feeds of samples) {
    throwIfAborted(signal, "calibrating");
    if (seen >= preset.sampleCount) break;
    hashes.update(hashFeeds(feeds));
    for (const [name, tensor] of Object.entries(feeds)) observe(histograms, name, tensor);
    for (const names of batches) await observeRun(session, feeds, names, histograms, signal);
    refuseNonFinite(model, histograms, seen);
    seen += batchSize(feeds);
    onProgress?.({
      stage: "calibrate",
      fraction: Math.min(1, seen / preset.sampleCount),
      message: `${String(seen)} of at most ${String(preset.sampleCount)} images`,
    });
  }
  if (seen < minimumSamples)
    throw new EdgeDistillError(
      "QUANTIZE_TOO_FEW_SAMPLES",
      `${String(seen)} calibration images are too few; ${String(minimumSamples)} are the least`,
      {
        hint: "Give more images of the kind the device will see; a few hundred are good.",
        details: { samples: seen, minimum: minimumSamples },
      },
    );
  const observer = OBSERVERS[preset.method];
  const ranges = new Map<string, TensorRange>();
  const intoSilu = new Set(values.filter(feedsSilu).map((v) => v.name));
  for (const [name, h] of histograms) {
    if (h.total === 0) continue;
    const { min, max } = observer.range(h, preset, intoSilu.has(name) ? silu : undefined);
    ranges.set(name, {
      min,
      max,
      limit: observer.limit(h, preset),
      observed: { min: h.min, max: h.max },
      clippedShare: clippedShare(h, min, max),
      channelMeans: h.channelSums?.map((sum) => sum / h.channelTotal),
    });
  }
  return {
    ranges,
    identity: {
      preset: preset.id,
      method: preset.method,
      samples: seen,
      imagesSha256: hashes.digest("hex"),
    },
  };
}

/** A copy of the model whose outputs are the values asked for. */
function withOutputs(model: Model, values: readonly Value[]): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const present = new Set(graph.outputs.map((v) => v.name));
  const wanted = new Set(values.map((v) => v.name));
  for (const node of graph.nodes)
    for (const output of node.outputs)
      if (wanted.has(output.name) && !present.has(output.name)) graph.addOutput(output);
  return copy;
}

/** Splits values so that one fetch stays below a size; values of unknown size count as a quarter of it. */
function fetchBatches(values: readonly Value[], maxBytes: number): readonly string[][] {
  const batches: string[][] = [];
  let bytes = Infinity;
  for (const value of values) {
    const known = value.dims?.map((d) => (typeof d === "number" ? d : 1));
    const size = known ? 4 * elementCount(known) : maxBytes / 4;
    if (bytes + size > maxBytes) {
      batches.push([]);
      bytes = 0;
    }
    batches[batches.length - 1]?.push(value.name);
    bytes += size;
  }
  return batches;
}

async function observeRun(
  session: EngineSession,
  feeds: Feeds,
  outputs: readonly string[],
  histograms: ReadonlyMap<string, TensorHistogram>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const results = await session.run(feeds, { outputs, ...(signal ? { signal } : {}) });
  for (const [name, tensor] of Object.entries(results)) observe(histograms, name, tensor);
}

function observe(
  histograms: ReadonlyMap<string, TensorHistogram>,
  name: string,
  { data, dims }: HostTensor,
): void {
  if (data instanceof Float32Array) histograms.get(name)?.add(data, dims);
}

function refuseNonFinite(
  model: Model,
  histograms: ReadonlyMap<string, TensorHistogram>,
  sample: number,
): void {
  for (const [name, { nonFinite }] of histograms) {
    if (nonFinite === 0) continue;
    const node = model.graph.value(name)?.producer();
    throw new EdgeDistillError(
      "QUANTIZE_NON_FINITE",
      `Tensor "${name}"${node ? ` of node "${node.name}" (${node.op})` : ""} holds ${String(nonFinite)} NaN or infinite values for calibration image ${String(sample + 1)}`,
      {
        hint: node
          ? "Check the model in float32 on this image, and that its input is scaled as the model was trained."
          : "Check how this image is turned into the model's input.",
        details: { value: name, node: node?.name, op: node?.op, sample, nonFinite },
      },
    );
  }
}

function clippedShare(h: TensorHistogram, min: number, max: number): number {
  let clipped = 0;
  h.counts.forEach((count, i) => {
    const x = h.center(i);
    if (x < min || x > max) clipped += count;
  });
  return clipped / h.total;
}

function batchSize(feeds: Feeds): number {
  const image = Object.values(feeds).find((t) => t.dims.length >= 3);
  return image?.dims[0] ?? 1;
}

function hashFeeds(feeds: Feeds): Buffer {
  const hash = createHash("sha256");
  for (const name of Object.keys(feeds).sort()) {
    const tensor = feeds[name];
    if (!tensor) continue;
    hash.update(`${name} ${tensor.dtype} ${tensor.dims.join(",")}\n`);
    const { data } = tensor;
    if (Array.isArray(data)) hash.update(JSON.stringify(data));
    else hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest();
}
