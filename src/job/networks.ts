import { EdgeDistillError, type Logger, type OnProgress } from "../base/index.js";
import { loadImageCache, type Annotation, type ImageCache } from "../data/index.js";
import { emptyDetections } from "../decode/index.js";
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
import { detectDataset } from "../evaluate/index.js";
import { boxToNetwork, IMAGENET_NORMALIZATION, inputSpec, type InputSpec } from "../image/index.js";
import { loadModel, serializeModel, type Model } from "../onnx/index.js";
import { architecture } from "../students/index.js";
import type { Budget, StepMetrics, Weights } from "../train/index.js";
import type { JobConfig } from "./config.js";
import { augmentOptions, type JobData } from "./data-stage.js";
import { DECODER, jobInput, NMS_IOU } from "./judge.js";

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

export async function loadTrainingImages({
  config,
  data,
  onProgress,
  signal,
}: NetworkContext): Promise<TrainingImages> {
  const { widthPx, heightPx } = config.input;
  const load = (dataset: JobData["labelled"]): Promise<ImageCache> =>
    loadImageCache(dataset, { widthPx, heightPx, onProgress, ...(signal ? { signal } : {}) });
  return { labelled: await load(data.labelled), all: await load(data.unlabelled) };
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
  const { config, engine, onProgress, signal } = context;
  return {
    engine,
    shape,
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

/** Score from which a teacher's finding is taken for an object. */
const FINDING_SCORE = 0.4;

/**
 * Marks what the teacher finds in images without labels; labelled ones keep their labels. Training crops are laid around
 * the marks, since bare background teaches little, and the marks are learned as labels are.
 */
async function markFindings(
  { all: cache, labelled }: TrainingImages,
  whole: Uint8Array,
  { data, engine, config, onProgress, signal }: NetworkContext,
): Promise<ImageCache> {
  await using session = await engine.createSession(whole, { name: "teacher" });
  const found = await detectDataset(session, data.unlabelled, {
    input: jobInput(config),
    decoder: {
      decoder: DECODER,
      scoreThreshold: FINDING_SCORE,
      iouThreshold: NMS_IOU,
      maxDetections: 20,
    },
    stage: "look through the unlabelled images",
    onProgress,
    ...(signal ? { signal } : {}),
  });
  const byId = new Map(data.unlabelled.images.map(({ id }, i) => [id, found[i]]));
  const labels = new Map(labelled.images.map(({ path, annotations = [] }) => [path, annotations]));
  return {
    ...cache,
    images: cache.images.map((image) => {
      const known = labels.get(image.path);
      if (known) return { ...image, annotations: known };
      const { count, boxes, classIds } = byId.get(image.id) ?? emptyDetections();
      const annotations = Array.from({ length: count }, (_, i): Annotation => {
        const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(4 * i, 4 * i + 4);
        const [xMin, yMin, xMax, yMax] = boxToNetwork([x1, y1, x2, y2], image.transform);
        return { classId: classIds[i] ?? 0, box: { xMin, yMin, xMax, yMax } };
      });
      return { ...image, annotations };
    }),
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
  const marked = teacher.network
    ? await markFindings(images, teacher.network.model, context)
    : images.all;
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
      // a head that the teacher has not trained starts fresh and needs the full rate
      learningRate: config.training.learningRate * (open.feeds.detections ? 0.5 : 1),
    }),
  );
  return trained(context, shape, [
    { stage: "distil student", result: distilled },
    { stage: "fine-tune student", result: tuned },
  ]);
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

/**
 * Name, size and layout of a model's only image input, as the file declares them.
 * @throws CONFIG_INVALID when the size is free
 */
export function modelInputSpec(
  { graph }: Model,
  where: string,
  given: {
    layout?: "nchw" | "nhwc" | undefined;
    widthPx?: number | undefined;
    heightPx?: number | undefined;
  } = {},
): { name: string; size: Pick<InputSpec, "layout" | "widthPx" | "heightPx"> } {
  const input = graph.inputs.find((v) => !v.initializer);
  const dims = input?.dims ?? [];
  const layout = given.layout ?? (dims[3] === 3 ? "nhwc" : "nchw");
  const heightPx = given.heightPx ?? dims[layout === "nhwc" ? 1 : 2];
  const widthPx = given.widthPx ?? dims[layout === "nhwc" ? 2 : 3];
  if (!input || typeof widthPx !== "number" || typeof heightPx !== "number")
    throw new EdgeDistillError(
      "CONFIG_INVALID",
      `${where} does not say what size its input image has`,
      {
        hint: 'Export it with a fixed size, or (for a teacher) set "teacher.input.widthPx" and "heightPx" in the config.',
        details: { path: where, dims },
      },
    );
  return { name: input.name, size: { layout, widthPx, heightPx } };
}

/** Loads the user's teacher and settles how it wants its pixels. @throws CONFIG_INVALID when its input size is unknown */
export async function loadTeacher(
  path: string,
  given: JobConfig["teacher"]["input"] = {},
): Promise<{ model: Model; input: InputSpec }> {
  const model = await loadModel(path);
  const { size } = modelInputSpec(model, path, given);
  const stated = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<InputSpec>;
  return { model, input: inputSpec({ ...IMAGENET_NORMALIZATION, ...stated, ...size }) };
}
