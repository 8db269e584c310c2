import type { OnProgress } from "../base/index.js";
import {
  createBatches,
  createCorruptedBatches,
  type AugmentOptions,
  type Batch,
  type ImageCache,
} from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { anchorGrid, assignTargets, emptyTargets } from "../students/index.js";
import type { HostTensor } from "../tensor/index.js";
import {
  fit,
  Trainer,
  warmupCosine,
  weightsOf,
  type Budget,
  type FitResult,
  type TrainingStep,
  type Weights,
} from "../train/index.js";
import { corruptionStep, detectionStep, distillationStep, type StepShape } from "./step.js";
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
  threads?: number;
  stage: string;
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** File for resuming; written every 100 steps and on interruption. */
  checkpointPath?: string;
}

export interface RecipeResult {
  weights: Weights;
  fit: FitResult;
  parameterCount: number;
}

async function run(
  step: TrainingStep,
  batch: (index: number) => Promise<Record<string, HostTensor>>,
  { engine, shape, budget, learningRate, seed, from, threads, stage, onProgress, signal, checkpointPath }: RecipeOptions,
): Promise<RecipeResult> {
  await using trainer = await Trainer.open(step, {
    engine,
    seed,
    ...(from ? { from } : {}),
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
    ...(checkpointPath === undefined ? {} : { checkpoint: { path: checkpointPath, everySteps: 100 } }),
  });
  return { weights: weightsOf(step, trainer.state), fit: result, parameterCount: step.parameters.length };
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

/** Self-supervised pre-training on images without labels: find the corrupted places. */
export function pretrainOnCorruptions(cache: ImageCache, options: RecipeOptions): Promise<RecipeResult> {
  const { shape, seed, augment } = options;
  const batches = createCorruptedBatches(cache, {
    batchSize: shape.batch,
    seed,
    augment: { ...augment, paste: 0 },
    cellPx: 8,
  });
  return run(
    corruptionStep(shape),
    (index) => {
      const batch = batches.at(index);
      const mask: HostTensor = {
        dtype: "float32",
        dims: [shape.batch, 1, shape.heightPx / 8, shape.widthPx / 8],
        data: Float32Array.from(batch.cells),
      };
      return Promise.resolve({ images: imagesTensor(batch, shape), mask });
    },
    options,
  );
}

/** Supervised training on labelled images, from scratch or from given weights. */
export function trainDetector(cache: ImageCache, options: RecipeOptions): Promise<RecipeResult> {
  const { shape, seed, augment = {} } = options;
  const batches = createBatches(cache, { batchSize: shape.batch, seed, augment });
  return run(
    detectionStep(shape),
    (index) => {
      const batch = batches.at(index);
      return Promise.resolve({ images: imagesTensor(batch, shape), ...targetTensors(batch, shape) });
    },
    options,
  );
}

/**
 * Distils a teacher into the student on every image there is: teacher and student see the same augmented view, and
 * the labels of those images that have some are not used.
 */
export function distilDetector(cache: ImageCache, teacher: Teacher, options: RecipeOptions): Promise<RecipeResult> {
  const { shape, seed, augment = {} } = options;
  const batches = createBatches(cache, { batchSize: shape.batch, seed, augment });
  return run(
    distillationStep(shape, teacher.feeds),
    async (index) => {
      const images = imagesTensor(batches.at(index), shape);
      return { images, ...(await teacher.run(images)) };
    },
    options,
  );
}
