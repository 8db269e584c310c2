import { createRng } from "../base/index.js";
import {
  augmentSample,
  DEFAULT_AUGMENT,
  sampleRng,
  type AugmentOptions,
  type CropOptions,
} from "./augment.js";
import { cellsOf } from "./corrupt.kernel.js";
import { corruptPicture, DEFAULT_CORRUPT, type CorruptOptions } from "./corrupt.js";
import type { Annotation } from "./dataset.js";
import type { ImageCache } from "./image-cache.js";
import { defectBank, type DefectBank } from "./paste.js";

/** Images of a step, one after the other. */
export interface Batch {
  /** `[N, H, W, 3]` RGB, 8-bit. */
  pixels: Uint8Array;
  /** Boxes of each image in network pixels; empty for an unlabelled one. */
  annotations: readonly (readonly Annotation[])[];
  /** Places in the cache that the images came from. */
  imageIndices: readonly number[];
}

/** A batch of corrupted images with where they were corrupted. */
export interface CorruptedBatch extends Batch {
  /** The same views before the corruption, `[N, H, W, 3]`. */
  originals: Uint8Array;
  /** `[N, H, W]`, 1 at corrupted pixels. */
  mask: Uint8Array;
  /** `[N, ceil(H / cellPx), ceil(W / cellPx)]`, 1 where a cell holds a corrupted pixel. */
  cells: Uint8Array;
}

export interface BatchOptions {
  batchSize: number;
  seed: number | string;
  /** Changes to {@link DEFAULT_AUGMENT}; see {@link NO_AUGMENT} for none. */
  augment?: Partial<AugmentOptions>;
  /** Cached images to draw from: all by default. */
  indices?: readonly number[];
  /** Show a part of each image instead of the whole. */
  crop?: CropOptions;
  /** Defects to paste; those of the drawn images by default. */
  bank?: DefectBank;
}

/** Replayable batches: the same seed, epoch and step give the same bytes, in any order of asking. */
export interface Batches<B extends Batch = Batch> {
  stepsPerEpoch: number;
  /**
   * @param step within the epoch
   * @param reuse a batch whose pixel buffer may be overwritten
   */
  batch(epoch: number, step: number, options?: { reuse?: B }): B;
  /** The batch of a step counted from the start of the run. */
  at(globalStep: number, options?: { reuse?: B }): B;
}

/**
 * Plans augmented batches over a cache. Every epoch shuffles anew; a last batch that falls short is filled up from the
 * start of the epoch's order, so that all batches have one size.
 */
export function createBatches(
  cache: ImageCache,
  { batchSize, seed, augment = {}, indices, bank, crop }: BatchOptions,
): Batches {
  const options = { ...DEFAULT_AUGMENT, ...augment };
  const plan = planEpochs(cache, {
    batchSize,
    seed,
    ...(indices === undefined ? {} : { indices }),
  });
  const patches =
    options.paste > 0 ? (bank ?? defectBank(cache, { indices: plan.indices })) : undefined;
  const { widthPx, heightPx } = crop ?? cache;
  const stride = widthPx * heightPx * 3;
  return withGlobalStep(plan.stepsPerEpoch, (epoch, step, { reuse } = {}) => {
    const imageIndices = plan.draw(epoch, step);
    const pixels = bufferOf(reuse?.pixels, batchSize * stride);
    const annotations = imageIndices.map((imageIndex, i) =>
      augmentSample(
        cache,
        imageIndex,
        pixels.subarray(i * stride, (i + 1) * stride),
        sampleRng({ seed, epoch, index: step * batchSize + i }),
        { options, bank: patches, crop },
      ),
    );
    return { pixels, annotations, imageIndices };
  });
}

/**
 * Plans batches of augmented, then corrupted images for self-supervised pre-training. Labels of the cache are not used:
 * `annotations` are the corruptions, their `classId` indexing `CORRUPTION_KINDS`.
 * @param options.cellPx side of a cell of `cells`
 */
export function createCorruptedBatches(
  cache: ImageCache,
  {
    batchSize,
    seed,
    augment = {},
    indices,
    corrupt = {},
    cellPx = 8,
    crop,
  }: Omit<BatchOptions, "bank"> & { corrupt?: Partial<CorruptOptions>; cellPx?: number },
): Batches<CorruptedBatch> {
  const options = { ...DEFAULT_AUGMENT, ...augment };
  const corruptions = { ...DEFAULT_CORRUPT, ...corrupt };
  const plan = planEpochs(cache, {
    batchSize,
    seed,
    ...(indices === undefined ? {} : { indices }),
  });
  const { widthPx, heightPx } = crop ?? cache;
  const area = widthPx * heightPx;
  const cellCount = Math.ceil(widthPx / cellPx) * Math.ceil(heightPx / cellPx);
  return withGlobalStep(plan.stepsPerEpoch, (epoch, step, { reuse } = {}) => {
    const imageIndices = plan.draw(epoch, step);
    const pixels = bufferOf(reuse?.pixels, batchSize * area * 3);
    const originals = bufferOf(reuse?.originals, batchSize * area * 3);
    const mask = bufferOf(reuse?.mask, batchSize * area);
    const cells = bufferOf(reuse?.cells, batchSize * cellCount);
    const annotations = imageIndices.map((imageIndex, i) => {
      const rng = sampleRng({ seed, epoch, index: step * batchSize + i });
      const original = originals.subarray(i * area * 3, (i + 1) * area * 3);
      augmentSample(cache, imageIndex, original, rng, { options, crop });
      const view = pixels.subarray(i * area * 3, (i + 1) * area * 3);
      view.set(original);
      const own = mask.subarray(i * area, (i + 1) * area);
      const found = corruptPicture(
        { pixels: view, widthPx, heightPx },
        original,
        own,
        cache,
        rng.fork("corrupt"),
        corruptions,
      );
      cells.set(cellsOf(own, widthPx, heightPx, cellPx), i * cellCount);
      return found;
    });
    return { pixels, originals, mask, cells, annotations, imageIndices };
  });
}

function planEpochs(
  cache: ImageCache,
  {
    batchSize,
    seed,
    indices = [...cache.images.keys()],
  }: Pick<BatchOptions, "batchSize" | "seed" | "indices">,
): {
  indices: readonly number[];
  stepsPerEpoch: number;
  draw: (epoch: number, step: number) => number[];
} {
  let shuffled: { epoch: number; order: readonly number[] } | undefined;
  const orderOf = (epoch: number): readonly number[] => {
    if (shuffled?.epoch !== epoch)
      shuffled = {
        epoch,
        order: createRng(`order/${String(seed)}/${String(epoch)}`).shuffle(indices),
      };
    return shuffled.order;
  };
  return {
    indices,
    stepsPerEpoch: Math.max(1, Math.ceil(indices.length / batchSize)),
    draw: (epoch, step) => {
      const order = orderOf(epoch);
      return Array.from(
        { length: batchSize },
        (_, i) => order[(step * batchSize + i) % order.length] ?? 0,
      );
    },
  };
}

function withGlobalStep<B extends Batch>(
  stepsPerEpoch: number,
  batch: Batches<B>["batch"],
): Batches<B> {
  return {
    stepsPerEpoch,
    batch,
    at: (globalStep, options) =>
      batch(Math.floor(globalStep / stepsPerEpoch), globalStep % stepsPerEpoch, options),
  };
}

function bufferOf(reuse: Uint8Array | undefined, length: number): Uint8Array {
  return reuse?.length === length ? reuse : new Uint8Array(length);
}
