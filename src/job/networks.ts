import { EdgeDistillError, throwIfAborted, type Logger, type OnProgress } from "../base/index.js";
import { loadImageCache, type Dataset, type ImageCache } from "../data/index.js";
import {
  distilDetector,
  exportDetector,
  openTeacher,
  pretrainOnCorruptions,
  trainDetector,
  type RecipeOptions,
  type RecipeResult,
  type StepShape,
} from "../distill/index.js";
import type { Engine } from "../engine/index.js";
import { decodeImage, inputSpec, type InputSpec } from "../image/index.js";
import { serializeModel, type Model } from "../onnx/index.js";
import { architecture } from "../students/index.js";
import { cpuSecondsUsed, type Budget, type StepMetrics, type Weights } from "../train/index.js";
import type { JobCheckpoints } from "./checkpoints.js";
import type { JobConfig } from "./config.js";
import { augmentOptions, type JobData } from "./data-stage.js";
import { markFindings, withLabels } from "./mark-images.js";

/** What training one network gave. */
export interface TrainedNetwork {
  /** The inference graph, serialized. */
  model: Uint8Array;
  weights: Weights;
  parameters: number;
  /** CPU and wall seconds over all its stages. */
  cpuSeconds: number;
  wallSeconds: number;
  curves: readonly { stage: string; history: readonly StepMetrics[] }[];
}

export interface NetworkContext {
  config: JobConfig;
  data: JobData;
  engine: Engine;
  checkpoints: JobCheckpoints;
  onProgress: OnProgress;
  logger: Logger;
  signal?: AbortSignal;
}

/** Decoded training images at the network's size. */
export interface TrainingImages {
  labelled: ImageCache;
  /** Everything without labels, the labelled images' pictures included. */
  all: ImageCache;
}

/**
 * Decodes every image of the job once, before anything is trained. A training image that cannot be decoded is named, and
 * left out of the images and of the data.
 * @throws DATA_EMPTY when none is left, IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT for a held-out one
 */
export async function loadTrainingImages({
  config,
  data,
  onProgress,
  logger,
  signal,
}: Omit<NetworkContext, "engine" | "checkpoints">): Promise<{
  images: TrainingImages;
  data: JobData;
}> {
  const unreadable = new Set<string>();
  const load = async (
    dataset: Dataset,
    size: { widthPx: number; heightPx: number },
  ): Promise<ImageCache> => {
    const cache = await loadImageCache(dataset, {
      ...size,
      onProgress,
      ...(signal ? { signal } : {}),
    });
    for (const { path, reason } of cache.skipped) {
      if (!unreadable.has(path)) logger.warn(`${path} is left out: ${reason}`);
      unreadable.add(path);
    }
    return cache;
  };
  const images = {
    labelled: await load(data.labelled, config.input),
    all: await load(data.unlabelled, config.input),
  };
  // nothing may be missing of what the networks are judged by
  for (const { path } of data.heldOut.images) {
    throwIfAborted(signal, "decoding");
    await decodeImage(path);
  }
  const readable = (dataset: Dataset): Dataset =>
    unreadable.size === 0
      ? dataset
      : { ...dataset, images: dataset.images.filter(({ path }) => !unreadable.has(path)) };
  return {
    images,
    data: {
      ...data,
      labelled: readable(data.labelled),
      unlabelled: readable(data.unlabelled),
    },
  };
}

function stepShape({ config, data }: NetworkContext, architectureId: string): StepShape {
  const { widthPx, heightPx, trainWidthPx = widthPx, trainHeightPx = heightPx } = config.input;
  return {
    architecture: architecture(architectureId),
    classCount: data.classes.length,
    widthPx: trainWidthPx,
    heightPx: trainHeightPx,
    batch: config.training.batch,
  };
}

type StageOptions = Pick<RecipeOptions, "stage" | "budget"> &
  Partial<Pick<RecipeOptions, "from" | "fromWider" | "learningRate">>;

function recipe(
  context: NetworkContext,
  shape: StepShape,
  { learningRate, ...stage }: StageOptions,
): RecipeOptions {
  const { config, engine, checkpoints, onProgress, signal } = context;
  return {
    engine,
    shape,
    checkpoint: checkpoints.of(stage.stage),
    seed: config.seed,
    augment: augmentOptions(config),
    onProgress,
    ...(signal ? { signal } : {}),
    learningRate: learningRate ?? config.training.learningRate,
    ...stage,
  };
}

function trained(
  context: NetworkContext,
  shape: StepShape,
  stages: readonly { stage: string; result: RecipeResult }[],
  {
    features = false,
    batch = 1,
    size = context.config.input,
  }: {
    features?: boolean;
    batch?: number | string;
    size?: { widthPx: number; heightPx: number };
  } = {},
): TrainedNetwork {
  const last = stages[stages.length - 1];
  if (!last) throw new EdgeDistillError("INTERNAL", "A network was trained without stages");
  const { widthPx, heightPx } = size;
  const { classCount } = shape;
  const { weights } = last.result;
  const model = exportDetector({
    weights,
    architecture: shape.architecture,
    classCount,
    widthPx,
    heightPx,
    batch,
    features,
  });
  const total = (key: "cpuSeconds" | "wallSeconds"): number =>
    stages.reduce((sum, s) => sum + s.result.fit[key], 0);
  return {
    model: serializeModel(model),
    weights,
    parameters: last.result.parameterCount,
    cpuSeconds: total("cpuSeconds"),
    wallSeconds: total("wallSeconds"),
    curves: stages.map(({ stage, result }) => ({ stage, history: result.fit.history })),
  };
}

/**
 * The domain teacher: a larger network, pre-trained on the images without labels, then given its own head on the
 * labelled ones. The first file teaches (free batch, training size, feature map); the second is evaluated.
 */
export async function trainTeacher(
  context: NetworkContext,
  images: TrainingImages,
): Promise<{ teaching: { model: Uint8Array; input: InputSpec }; whole: TrainedNetwork }> {
  const { config } = context;
  const shape = stepShape(context, config.teacher.architecture);
  const pretrained = await pretrainOnCorruptions(
    images.all,
    recipe(context, shape, {
      stage: "pre-train teacher",
      budget: { wallSeconds: config.teacher.pretrainSeconds },
    }),
  );
  const head = await trainDetector(
    images.labelled,
    recipe(context, shape, {
      stage: "train teacher",
      budget: { wallSeconds: config.teacher.trainSeconds },
      from: pretrained.weights,
    }),
  );
  const stages = [
    { stage: "pre-train teacher", result: pretrained },
    { stage: "train teacher", result: head },
  ];
  const { widthPx, heightPx } = shape;
  return {
    teaching: {
      model: trained(context, shape, stages, { features: true, batch: "N", size: shape }).model,
      input: inputSpec({ widthPx, heightPx }),
    },
    whole: trained(context, shape, stages),
  };
}

/** A student distilled from the teacher on every image, then fine-tuned on the labelled ones. */
export async function trainStudent(
  context: NetworkContext,
  images: TrainingImages,
  teacher: {
    model: Model;
    input: InputSpec;
    where: string;
    network?: Pick<TrainedNetwork, "model" | "weights">;
  },
): Promise<TrainedNetwork> {
  const { config, engine, logger } = context;
  const shape = stepShape(context, config.student.architecture);
  await using open = await openTeacher(teacher.model, {
    engine,
    input: teacher.input,
    view: shape,
    where: teacher.where,
  });
  logger.info(`the teacher gives ${open.description}`);
  const labelled = withLabels(images);
  const cpuStart = cpuSecondsUsed();
  const wallStart = performance.now();
  const marked = teacher.network
    ? await markFindings(labelled, teacher.network.model, context)
    : labelled;
  const looking = {
    cpuSeconds: cpuSecondsUsed() - cpuStart,
    wallSeconds: (performance.now() - wallStart) / 1000,
  };
  const distilled = await distilDetector(
    marked,
    open,
    recipe(context, shape, {
      stage: "distil student",
      budget: { wallSeconds: config.student.distilSeconds },
      ...(teacher.network ? { fromWider: teacher.network.weights } : {}),
    }),
  );
  const tuned = await trainDetector(
    images.labelled,
    recipe(context, shape, {
      stage: "fine-tune student",
      budget: { wallSeconds: config.student.finetuneSeconds },
      from: distilled.weights,
      learningRate: config.training.learningRate * 0.5,
    }),
  );
  const student = trained(context, shape, [
    { stage: "distil student", result: distilled },
    { stage: "fine-tune student", result: tuned },
  ]);
  return {
    ...student,
    cpuSeconds: student.cpuSeconds + looking.cpuSeconds,
    wallSeconds: student.wallSeconds + looking.wallSeconds,
  };
}

/** The same student on the same labels, nothing else, within a given CPU time. */
export async function trainFromScratch(
  context: NetworkContext,
  images: TrainingImages,
  budget: Budget,
): Promise<TrainedNetwork> {
  const shape = stepShape(context, context.config.student.architecture);
  const result = await trainDetector(
    images.labelled,
    recipe(context, shape, { stage: "train from scratch", budget }),
  );
  return trained(context, shape, [{ stage: "train from scratch", result }]);
}
