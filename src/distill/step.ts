import { int, ints, type Value } from "../onnx/index.js";
import {
  adamW,
  buildTrainingStep,
  heNormal,
  type LayerContext,
  type TrainingStep,
} from "../train/index.js";
import {
  anchorGrid,
  channelsOf,
  detectionLoss,
  detector,
  featureLoss,
  outputConv,
  responseLoss,
  type Architecture,
} from "../students/index.js";

/** What every training step of a detector needs to know. */
export interface StepShape {
  architecture: Architecture;
  classCount: number;
  widthPx: number;
  heightPx: number;
  batch: number;
}

export interface StepOptions {
  weightDecay?: number;
  clipNorm?: number;
  /** Decay of the exponential moving average that is exported. */
  emaDecay?: number;
  /** Floats of a block of the engine's blocked layout; default: plain ONNX. */
  blockedLayout?: number | undefined;
}

const DEFAULTS = { weightDecay: 0.02, clipNorm: 5, emaDecay: 0.99 };

/** A teacher's outputs as the step takes them in; see `TeacherTaps`. */
export interface TeacherFeeds {
  /** `[N, A, 4 + C]` boxes xyxy in network px and scores, on the student's own cells */
  detections: boolean;
  /** Channels and size of a spatial map `[N, C, h, w]` that fits one of the student's levels. */
  features?: { channels: number; columns: number; rows: number };
  /** Length of a pooled vector `[N, D]`. */
  embedding?: number;
}

/** uint8 `[N, H, W, 3]` → float `[N, 3, H, W]` in [0, 1]. */
function imageInput({ b }: LayerContext, { batch, heightPx, widthPx }: StepShape): Value {
  const bytes = b.input("images", "uint8", [batch, heightPx, widthPx, 3]);
  const planar = b.op("Transpose", [bytes], { perm: ints([0, 3, 1, 2]) });
  const float = b.op("Cast", [planar], { to: int(1) });
  return b.op("Mul", [float, b.f32(1 / 255)]);
}

function targetInputs(
  { b }: LayerContext,
  { batch, classCount }: StepShape,
  cells: number,
): {
  targetClasses: Value;
  targetDistances: Value;
  weight: Value;
} {
  return {
    targetClasses: b.input("classes", "float32", [batch, cells, classCount]),
    targetDistances: b.input("distances", "float32", [batch, cells, 4]),
    weight: b.input("positive", "float32", [batch, cells, 1]),
  };
}

/** Supervised detection step: inputs `images`, `classes`, `distances`, `positive`. */
export function detectionStep(shape: StepShape, options: StepOptions = {}): TrainingStep {
  const { weightDecay, clipNorm, emaDecay, blockedLayout } = { ...DEFAULTS, ...options };
  return buildTrainingStep({
    blockedLayout,
    optimizer: adamW({ weightDecay }),
    clipNorm,
    ema: emaDecay,
    build: (ctx) => {
      const out = detector(ctx, imageInput(ctx, shape), shape);
      const targets = targetInputs(ctx, shape, out.grid.count);
      const { classification, box, stopAt } = detectionLoss(ctx.b, { ...out, ...targets });
      const loss = ctx.b.op("Add", [classification, ctx.b.op("Mul", [box, ctx.b.f32(BOX_WEIGHT)])]);
      return { loss, metrics: { classification, box }, stopAt };
    },
  });
}

const BOX_WEIGHT = 1.5;
const RESPONSE_WEIGHT = 0.5;
const FEATURE_WEIGHT = 0.25;
const EMBEDDING_WEIGHT = 1;

/** Distances in strides from `[N, A, 4]` xyxy boxes in network px, kept positive. */
function distancesFromBoxes({ b }: LayerContext, boxes: Value, shape: StepShape): Value {
  const grid = anchorGrid(shape);
  const centers = new Float32Array(grid.count * 4);
  const scale = new Float32Array(grid.count * 4);
  for (let a = 0; a < grid.count; a++)
    for (let k = 0; k < 4; k++) {
      centers[4 * a + k] = grid.centers[2 * a + (k % 2)] ?? 0;
      scale[4 * a + k] = (k < 2 ? -1 : 1) / (grid.strides[a] ?? 1);
    }
  const dims = [1, grid.count, 4];
  const offset = b.op("Sub", [boxes, b.constant({ dtype: "float32", dims, data: centers })]);
  const inStrides = b.op("Mul", [offset, b.constant({ dtype: "float32", dims, data: scale })]);
  return b.op("Max", [inStrides, b.f32(0.05)]);
}

/**
 * Distillation step. Inputs `images` and, as the teacher has them, `teacher.detections` `[N, A, 4 + C]`,
 * `teacher.features` `[N, Ct, h, w]`, `teacher.embedding` `[N, D]`; the student's maps go through linear heads that are
 * thrown away afterwards. The supervised loss of what is marked in the same images is added: inputs as in detectionStep,
 * and `known` `[N, 1, 1]`, 1 for an image whose objects are all marked.
 */
export function distillationStep(
  shape: StepShape,
  teacher: TeacherFeeds,
  options: StepOptions = {},
): TrainingStep {
  const { weightDecay, clipNorm, emaDecay, blockedLayout } = { ...DEFAULTS, ...options };
  return buildTrainingStep({
    blockedLayout,
    optimizer: adamW({ weightDecay }),
    clipNorm,
    ema: emaDecay,
    build: (ctx) => {
      const { b } = ctx;
      const out = detector(ctx, imageInput(ctx, shape), shape);
      const terms: Record<string, Value> = {};
      const stopAt: Value[] = [];
      const weighted = (x: Value, w: number): Value => (w === 1 ? x : b.op("Mul", [x, b.f32(w)]));
      if (teacher.detections) {
        const all = b.input("teacher.detections", "float32", [
          shape.batch,
          out.grid.count,
          4 + shape.classCount,
        ]);
        const [boxes, scores] = b.multi(
          "Split",
          [all, b.i64([4, shape.classCount])],
          { axis: int(2) },
          { outputs: 2 },
        ) as [Value, Value];
        const best = b.op("ReduceMax", [scores], { axes: ints([2]), keepdims: int(1) });
        // cells the teacher is unsure of say nothing about boxes
        const weight = b.op("Mul", [
          best,
          b.op("Cast", [b.op("Greater", [best, b.f32(0.15)])], { to: int(1) }),
        ]);
        const response = responseLoss(b, {
          logits: out.logits,
          distances: out.distances,
          targetClasses: scores,
          targetDistances: distancesFromBoxes(ctx, boxes, shape),
          weight,
        });
        terms["response"] = weighted(response.classification, RESPONSE_WEIGHT);
        terms["responseBox"] = weighted(response.box, RESPONSE_WEIGHT * BOX_WEIGHT);
        stopAt.push(...response.stopAt);
      }
      if (teacher.features) {
        const { channels, columns, rows } = teacher.features;
        const map = b.input("teacher.features", "float32", [shape.batch, channels, rows, columns]);
        const level = out.pyramid.find((p) => p.dims?.[2] === rows && p.dims[3] === columns);
        if (level) {
          const projected = outputConv(ctx, level, "projection.features", { channels });
          terms["features"] = weighted(featureLoss(b, projected, map), FEATURE_WEIGHT);
        }
      }
      if (teacher.embedding !== undefined) {
        const vector = b.input("teacher.embedding", "float32", [shape.batch, teacher.embedding]);
        const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [out.deepest])]);
        const w = ctx.param(
          "projection.embedding",
          [channelsOf(out.deepest), teacher.embedding],
          heNormal(),
        );
        const projected = b.op("MatMul", [pooled, w]);
        const as4d = (x: Value): Value =>
          b.op("Reshape", [x, b.i64([shape.batch, teacher.embedding ?? 1, 1, 1])]);
        terms["embedding"] = weighted(
          featureLoss(b, as4d(projected), as4d(vector)),
          EMBEDDING_WEIGHT,
        );
      }
      const supervised = detectionLoss(b, {
        ...out,
        ...targetInputs(ctx, shape, out.grid.count),
        known: b.input("known", "float32", [shape.batch, 1, 1]),
      });
      terms["classification"] = supervised.classification;
      terms["box"] = weighted(supervised.box, BOX_WEIGHT);
      stopAt.push(...supervised.stopAt);
      const loss = Object.values(terms).reduce((sum, term) => b.op("Add", [sum, term]));
      return { loss, metrics: terms, stopAt };
    },
  });
}
