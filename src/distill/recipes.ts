import type { OnProgress } from "../base/index.js";
import {
  CORRUPTION_KINDS,
  createBatches,
  createCorruptedBatches,
  type AugmentOptions,
  type Batch,
  type CropOptions,
  type ImageCache,
} from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { anchorGrid, assignTargets, emptyTargets } from "../students/index.js";
import type { HostTensor } from "../tensor/index.js";
import {
  fit,
  probeBlockedLayout,
  Trainer,
  warmupCosine,
  weightsOf,
  type Budget,
  type FitResult,
  type TrainingStep,
  type Weights,
} from "../train/index.js";
import { inheritWeights } from "./inherit-weights.js";
import { detectionStep, distillationStep, type StepOptions, type StepShape } from "./step.js";
import type { Teacher } from "./teacher.js";

export interface RecipeOptions {
  engine: Engine;
  shape: StepShape;
  budget: Budget;
  /** Peak of the learning rate. */
  learningRate: number;
  seed: number | string;
  augment?: Partial<AugmentOptions>;
  /** Weights to start from where name and shape agree. */
  from?: Weights;
  /** Weights of a wider network of the same build to cut the start out of; see `inheritWeights`. */
  fromWider?: Weights;
  threads?: number;
  stage: string;
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /**
   * File to go on from when the same run is started again: written every 100 steps, on interruption and at the end.
   * `key` names the run; another run's file is refused.
   */
  checkpoint?: { path: string; key: string };
}

export interface RecipeResult {
  weights: Weights;
  fit: FitResult;
  parameterCount: number;
}

/** Trains a step, written for the engine's blocked kernels where it has them. */
async function run(
  build: (options: StepOptions) => TrainingStep,
  batch: (index: number) => Promise<Record<string, HostTensor>>,
  {
    engine,
    shape,
    budget,
    learningRate,
    seed,
    from,
    fromWider,
    threads,
    stage,
    onProgress,
    signal,
    checkpoint,
  }: RecipeOptions,
): Promise<RecipeResult> {
  const step = build({ blockedLayout: await probeBlockedLayout(engine) });
  const start = fromWider ? inheritWeights(fromWider, step) : from;
  await using trainer = await Trainer.open(step, {
    engine,
    seed,
    ...(start ? { from: start } : {}),
    ...(threads === undefined ? {} : { threads }),
  });
  const result = await fit({
    trainer,
    batch,
    imagesPerStep: shape.batch,
    schedule: warmupCosine({ peak: learningRate }),
    budget,
    stage,
    ...(onProgress ? { onProgress } : {}),
    ...(signal ? { signal } : {}),
    ...(checkpoint
      ? { checkpoint: { ...checkpoint, everySteps: 100, resume: true, keep: true } }
      : {}),
  });
  return {
    weights: weightsOf(step, trainer.state),
    fit: result,
    parameterCount: step.parameters.length,
  };
}

/** uint8 images of a batch as a tensor. */
function imagesTensor({ pixels }: Batch, { batch, heightPx, widthPx }: StepShape): HostTensor {
  return { dtype: "uint8", dims: [batch, heightPx, widthPx, 3], data: pixels };
}

/** Dense supervised targets of a batch, named as the steps' inputs. */
function targetTensors({ annotations }: Batch, shape: StepShape): Record<string, HostTensor> {
  const grid = anchorGrid(shape);
  const targets = emptyTargets(shape.batch, grid, shape.classCount);
  annotations.forEach((objects, i) => {
    assignTargets(targets, i, objects, grid, shape.classCount);
  });
  const { batch, classCount } = shape;
  return {
    classes: { dtype: "float32", dims: [batch, grid.count, classCount], data: targets.classes },
    distances: { dtype: "float32", dims: [batch, grid.count, 4], data: targets.distances },
    positive: { dtype: "float32", dims: [batch, grid.count, 1], data: targets.positive },
  };
}

/** Share of training crops that are laid around an object. */
const FOCUS = 0.8;

/** A crop where the step is smaller than the cached images. */
function cropOf(cache: ImageCache, { widthPx, heightPx }: StepShape): { crop?: CropOptions } {
  const whole = widthPx === cache.widthPx && heightPx === cache.heightPx;
  return whole ? {} : { crop: { widthPx, heightPx, focus: FOCUS } };
}

/**
 * Self-supervised pre-training on images without labels: corrupt them here and there, and learn to detect where and
 * how. Everything but the class outputs carries over to a detector of real objects.
 */
export function pretrainOnCorruptions(
  cache: ImageCache,
  options: RecipeOptions,
): Promise<RecipeResult> {
  const { seed, augment } = options;
  const shape = { ...options.shape, classCount: CORRUPTION_KINDS.length };
  const batches = createCorruptedBatches(cache, {
    batchSize: shape.batch,
    seed,
    augment: { ...augment, paste: 0 },
    ...cropOf(cache, shape),
  });
  return run(
    (step) => detectionStep(shape, step),
    (index) => {
      const batch = batches.at(index);
      return Promise.resolve({
        images: imagesTensor(batch, shape),
        ...targetTensors(batch, shape),
      });
    },
    options,
  );
}

/** Supervised training on labelled images, from scratch or from given weights. */
export function trainDetector(cache: ImageCache, options: RecipeOptions): Promise<RecipeResult> {
  const { shape, seed, augment = {} } = options;
  const batches = createBatches(cache, {
    batchSize: shape.batch,
    seed,
    augment,
    ...cropOf(cache, shape),
  });
  return run(
    (step) => detectionStep(shape, step),
    (index) => {
      const batch = batches.at(index);
      return Promise.resolve({
        images: imagesTensor(batch, shape),
        ...targetTensors(batch, shape),
      });
    },
    options,
  );
}

/** Draws of images whose objects are marked, against all draws, at least. */
const MARKED_SHARE = 0.5;

/** Places in the cache, those of marked images repeated until they make up their share. */
function drawnIndices({ images }: ImageCache): number[] {
  const all = [...images.keys()];
  const marked = all.filter((i) => images[i]?.annotations);
  const wanted = (MARKED_SHARE / (1 - MARKED_SHARE)) * (all.length - marked.length);
  const times = marked.length === 0 ? 0 : Math.max(1, Math.round(wanted / marked.length));
  return all.flatMap((i) => (images[i]?.annotations ? Array<number>(times).fill(i) : [i]));
}

/**
 * Distils a teacher into the student on every image there is: teacher and student see the same augmented view. What is
 * marked in the images (labels, or a teacher's own findings) is learned as well; an image without annotations teaches
 * only what the teacher says of it.
 */
export function distilDetector(
  cache: ImageCache,
  teacher: Teacher,
  options: RecipeOptions,
): Promise<RecipeResult> {
  const { shape, seed, augment = {} } = options;
  const batches = createBatches(cache, {
    batchSize: shape.batch,
    seed,
    augment,
    indices: drawnIndices(cache),
    ...cropOf(cache, shape),
  });
  return run(
    (step) => distillationStep(shape, teacher.feeds, step),
    async (index) => {
      const batch = batches.at(index);
      const images = imagesTensor(batch, shape);
      const known = batch.imageIndices.map((i) => (cache.images[i]?.annotations ? 1 : 0));
      return {
        images,
        ...targetTensors(batch, shape),
        known: { dtype: "float32", dims: [shape.batch, 1, 1], data: Float32Array.from(known) },
        ...(await teacher.run(images)),
      };
    },
    options,
  );
}
