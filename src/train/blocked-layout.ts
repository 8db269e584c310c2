import type { Engine } from "../engine/index.js";
import {
  BLOCKED_DOMAIN,
  createBuilder,
  int,
  ints,
  serializeModel,
  str,
  Value,
} from "../onnx/index.js";
import { float32, scalar, type HostTensor } from "../tensor/index.js";
import { createRng } from "../base/index.js";
import { heNormal } from "./initializers.js";
import { sgd } from "./optimizer.js";
import type { LayerContext } from "./scope.js";
import { buildTrainingStep, initialState, type TrainingStep } from "./training-step.js";

/** Channels of the probe: more than any block. */
const PROBE_CHANNELS = 64;
/** Relative difference of a step's gradients in both layouts, above which the blocked one is not trusted. */
const TOLERANCE = 1e-3;

const probed = new WeakMap<Engine, Promise<number | undefined>>();

/**
 * Floats of a block of the engine's CPU kernels, 16 with AVX-512, 8 with AVX2; undefined where the engine has no such
 * kernels, or where a training step on them does not come to the same gradients as the plain one. The kernels are
 * internal to ONNX Runtime: nothing is assumed, everything is tried, once an engine.
 */
export function probeBlockedLayout(engine: Engine): Promise<number | undefined> {
  let answer = probed.get(engine);
  if (!answer) {
    answer = probe(engine).catch(() => undefined);
    probed.set(engine, answer);
  }
  return answer;
}

async function probe(engine: Engine): Promise<number | undefined> {
  const block = await blockOf(engine);
  if (block === undefined || block < 2 || PROBE_CHANNELS % block !== 0) return undefined;
  const [plain, blocked] = [await oneStep(engine), await oneStep(engine, block)];
  return distance(plain, blocked) < TOLERANCE ? block : undefined;
}

/** Reorders a ramp over channels and pixels, and sees how many channels of the first pixel lie side by side. */
async function blockOf(engine: Engine): Promise<number | undefined> {
  const dims = [1, PROBE_CHANNELS, 1, 2];
  const b = createBuilder({ opset: 17 });
  const x = b.input("x", "float32", dims);
  const y = new Value(b.graph.uniqueName("y"), { dtype: "float32", dims });
  const domain = BLOCKED_DOMAIN;
  b.graph.addNode({ op: "ReorderInput", domain, name: "reorder", inputs: [x], outputs: [y] });
  b.graph.addOutput(y);
  const model = b.model();
  model.opsets.set(domain, 1);
  await using session = await engine.createSession(serializeModel(model), { name: "layout probe" });
  const ramp = Float32Array.from({ length: 2 * PROBE_CHANNELS }, (_, i) => i);
  const out = (await session.run({ x: float32(dims, ramp) }))["y"];
  const data = (out as HostTensor<"float32">).data;
  const end = data.findIndex((value, i) => value !== 2 * i);
  return end > 0 ? end : undefined;
}

const BATCH = 2;
/** Large enough for both ways to sum over pixels: image by image, and all images at once after a stride. */
const SIDE = 32;

/** A network with every form that the lowering has: stem, strides, 1x1, depthwise, shortcut, normalization, pooling, joining, upsampling. */
function trial({ b, param, batchNorm }: Pick<LayerContext, "b" | "param" | "batchNorm">): Value {
  const conv = (
    x: Value,
    name: string,
    [outputs, inputs, kernel]: readonly [number, number, number],
    { stride = 1, group = 1 }: { stride?: number; group?: number } = {},
  ): Value => {
    const w = param(name, [outputs, inputs, kernel, kernel], heNormal());
    const p = (kernel - 1) / 2;
    const y = b.op("Conv", [x, w], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([p, p, p, p]),
      group: int(group),
    });
    return batchNorm(y, `${name}.bn`);
  };
  const relu = (x: Value): Value => b.op("Relu", [x]);
  const c = PROBE_CHANNELS;
  const stem = relu(conv(b.input("x", "float32", [BATCH, 3, SIDE, SIDE]), "stem", [c, 3, 3]));
  const wide = relu(conv(stem, "wide", [c, c, 3]));
  const half = relu(conv(wide, "half", [c, c, 3], { stride: 2 }));
  const six = (x: Value): Value => b.op("Clip", [x, b.f32(0), b.f32(6)]);
  const inner = six(conv(half, "depthwise", [c, 1, 3], { group: c }));
  const thin = conv(wide, "thin", [c, 1, 3], { group: c, stride: 2 });
  const sum = relu(b.op("Add", [conv(inner, "point", [c, c, 1]), half]));
  const down = conv(stem, "down", [c, c, 1], { stride: 2 });
  const pooled = b.op("AveragePool", [wide], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const joined = b.op("Concat", [b.op("Add", [sum, down]), b.op("Add", [pooled, thin])], {
    axis: int(1),
  });
  const last = conv(joined, "last", [c, 2 * c, 3]);
  const up = b.op("Resize", [last, null, b.f32([1, 1, 2, 2])], {
    mode: str("nearest"),
    coordinate_transformation_mode: str("asymmetric"),
    nearest_mode: str("floor"),
  });
  return b.op("Add", [up, wide]);
}

function trialStep(blockedLayout?: number): TrainingStep {
  return buildTrainingStep({
    blockedLayout,
    optimizer: sgd({ momentum: 0, nesterov: false, weightDecay: 0 }),
    build: (ctx) => {
      const { b } = ctx;
      const y = trial({
        b,
        param: (...args) => ctx.param(...args),
        batchNorm: (...args) => ctx.batchNorm(...args),
      });
      const mean = b.op("ReduceMean", [b.op("Mul", [y, b.op("Sigmoid", [y])])], {
        keepdims: int(0),
      });
      return { loss: mean, metrics: {} };
    },
  });
}

/** How a step moves the parameters. */
async function oneStep(engine: Engine, block?: number): Promise<Float32Array> {
  const step = trialStep(block);
  const rng = createRng("layout probe");
  const x = Float32Array.from({ length: BATCH * 3 * SIDE * SIDE }, () => rng.normal());
  const state = initialState(step, { seed: "layout probe" });
  await using session = await engine.createSession(step.model, { name: "layout self-test" });
  const out = await session.run({
    x: float32([BATCH, 3, SIDE, SIDE], x),
    ...state,
    stepIndex: scalar(0),
    learningRate: scalar(1),
  });
  const next = (out["next.parameters"] as HostTensor<"float32">).data;
  return next.map((value, i) => value - (state["parameters"]?.data[i] ?? NaN));
}

/** ‖a - b‖ / ‖a‖ */
function distance(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  a.forEach((value, i) => {
    difference += (value - (b[i] ?? NaN)) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}
