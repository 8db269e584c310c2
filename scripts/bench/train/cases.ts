import { createRng } from "../../../src/base/index.js";
import { detectionStep } from "../../../src/distill/index.js";
import { int, type Value } from "../../../src/onnx/index.js";
import {
  anchorGrid,
  architecture,
  assignTargets,
  emptyTargets,
} from "../../../src/students/index.js";
import type { HostTensor } from "../../../src/tensor/index.js";
import {
  buildTrainingStep,
  sgd,
  type LayerContext,
  type TrainingStep,
} from "../../../src/train/index.js";
import { mobilenetv2, resnet18, vit } from "./networks.js";

/** One network of the benchmark. */
export interface TrainCase {
  sidePx: number;
  batch: number;
  goal: number;
  build(options: { blockedLayout?: number | undefined }): TrainingStep;
  /** Feeds of a step, without the state; the same for all steps. */
  feeds(): Record<string, HostTensor>;
}

function classifier(
  network: (ctx: LayerContext, images: Value) => Value,
  { sidePx, batch, goal }: { sidePx: number; batch: number; goal: number },
): TrainCase {
  const rng = createRng("train bench");
  return {
    sidePx,
    batch,
    goal,
    build: ({ blockedLayout }) =>
      buildTrainingStep({
        blockedLayout,
        optimizer: sgd(),
        build: (ctx) => {
          const { b } = ctx;
          const logits = network(ctx, b.input("images", "float32", [batch, 3, sidePx, sidePx]));
          const labels = b.input("labels", "float32", [batch, 10]);
          const picked = b.op("Mul", [b.op("LogSoftmax", [logits], { axis: int(-1) }), labels]);
          const sum = b.op("ReduceSum", [picked], { keepdims: int(0) });
          return { loss: b.op("Mul", [sum, b.f32(-1 / batch)]), metrics: {} };
        },
      }),
    feeds: () => {
      const images = Float32Array.from({ length: batch * 3 * sidePx ** 2 }, () => rng.normal());
      const labels = new Float32Array(batch * 10);
      for (let n = 0; n < batch; n++) labels[10 * n + (n % 10)] = 1;
      return {
        images: { dtype: "float32", dims: [batch, 3, sidePx, sidePx], data: images },
        labels: { dtype: "float32", dims: [batch, 10], data: labels },
      };
    },
  };
}

const STUDENT = { widthPx: 320, heightPx: 320, classCount: 6, batch: 8 };

/** Eight boxes an image, of many sizes, at places that depend on the image. */
function studentFeeds(): Record<string, HostTensor> {
  const { widthPx, heightPx, classCount, batch } = STUDENT;
  const rng = createRng("student bench");
  const grid = anchorGrid(STUDENT);
  const targets = emptyTargets(batch, grid, classCount);
  for (let n = 0; n < batch; n++)
    assignTargets(
      targets,
      n,
      Array.from({ length: 8 }, (_, i) => {
        const side = 12 + 12 * i;
        const [xMin, yMin] = [rng.uniform(0, widthPx - side), rng.uniform(0, heightPx - side)];
        return {
          classId: i % classCount,
          box: { xMin, yMin, xMax: xMin + side, yMax: yMin + side },
        };
      }),
      grid,
      classCount,
    );
  const data = Uint8Array.from({ length: batch * heightPx * widthPx * 3 }, () => rng.int(256));
  return {
    images: { dtype: "uint8", dims: [batch, heightPx, widthPx, 3], data },
    classes: { dtype: "float32", dims: [batch, grid.count, classCount], data: targets.classes },
    distances: { dtype: "float32", dims: [batch, grid.count, 4], data: targets.distances },
    positive: { dtype: "float32", dims: [batch, grid.count, 1], data: targets.positive },
  };
}

export const TRAIN_CASES: Readonly<Record<string, TrainCase>> = {
  "resnet18-64": classifier(resnet18, { sidePx: 64, batch: 32, goal: 1 }),
  "student-320": {
    sidePx: 320,
    batch: STUDENT.batch,
    goal: 0.9,
    build: (options) => detectionStep({ architecture: architecture("s"), ...STUDENT }, options),
    feeds: studentFeeds,
  },
  "vit-64": classifier(vit, { sidePx: 64, batch: 32, goal: 0.7 }),
  "mobilenetv2-96": classifier(mobilenetv2, { sidePx: 96, batch: 16, goal: 0.9 }),
};
