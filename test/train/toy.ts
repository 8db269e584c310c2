import { createRng } from "../../src/base/index.js";
import { int, ints, type Value } from "../../src/onnx/index.js";
import { float32, type HostTensor } from "../../src/tensor/index.js";
import {
  adamW,
  buildTrainingStep,
  constant,
  heNormal,
  type LayerContext,
  type TrainingStep,
  type TrainingStepOptions,
} from "../../src/train/index.js";

export const BATCH = 8;
export const SIDE = 8;

/** `[N, 1, 8, 8]` → `[N, 2]`: two convolutions with normalization and a linear head. */
export function toyNetwork(ctx: LayerContext, image: Value): Value {
  const { b } = ctx;
  const conv = (x: Value, name: string, channels: number, stride: number): Value => {
    const w = ctx.param(`${name}.weight`, [channels, Number(x.dims?.[1]), 3, 3], heNormal());
    const y = b.op("Conv", [x, w], {
      kernel_shape: ints([3, 3]),
      pads: ints([1, 1, 1, 1]),
      strides: ints([stride, stride]),
    });
    return b.op("Relu", [ctx.batchNorm(y, `${name}.bn`)]);
  };
  const features = conv(conv(image, "a", 4, 2), "b", 6, 1);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [features])]);
  const logits = b.op("MatMul", [pooled, ctx.param("head.weight", [6, 2], heNormal())]);
  return b.op("Add", [logits, ctx.param("head.bias", [2], constant(0.1), { decay: false })]);
}

/** Cross entropy of the toy network; inputs `image`, `label` (one-hot). */
export function toyLoss(ctx: LayerContext): { loss: Value; metrics: Record<string, Value> } {
  const { b } = ctx;
  const logits = toyNetwork(ctx, b.input("image", "float32", [BATCH, 1, SIDE, SIDE]));
  const label = b.input("label", "float32", [BATCH, 2]);
  const picked = b.op("ReduceSum", [b.op("Mul", [b.op("LogSoftmax", [logits]), label])], {
    keepdims: int(0),
  });
  const loss = b.op("Mul", [picked, b.f32(-1 / BATCH)]);
  return { loss, metrics: { double: b.op("Mul", [loss, b.f32(2)]) } };
}

export function toyStep(options: Partial<TrainingStepOptions> = {}): TrainingStep {
  return buildTrainingStep({
    build: toyLoss,
    optimizer: adamW(),
    clipNorm: 5,
    ema: 0.9,
    ...options,
  });
}

/** Images with a bright bar that stands or lies, and which of the two it is; the same for an index every time. */
export function toyBatch(index: number): Record<string, HostTensor> {
  const rng = createRng(`bars/${String(index)}`);
  const image = Float32Array.from({ length: BATCH * SIDE * SIDE }, () => rng.normal(0, 0.3));
  const label = new Float32Array(BATCH * 2);
  for (let n = 0; n < BATCH; n++) {
    const stands = rng.int(2);
    const line = rng.int(SIDE);
    for (let k = 0; k < SIDE; k++) {
      const at = n * SIDE * SIDE + (stands ? k * SIDE + line : line * SIDE + k);
      image[at] = (image[at] ?? 0) + 1.5;
    }
    label[2 * n + stands] = 1;
  }
  return { image: float32([BATCH, 1, SIDE, SIDE], image), label: float32([BATCH, 2], label) };
}
