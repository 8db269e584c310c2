import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRng } from "../../src/base/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { BLOCKED_DOMAIN, int, ints, parseModel, str, type Value } from "../../src/onnx/index.js";
import { float32, scalar, type HostTensor } from "../../src/tensor/index.js";
import {
  buildTrainingStep,
  heNormal,
  initialState,
  probeBlockedLayout,
  sgd,
  type LayerContext,
  type TrainingStep,
} from "../../src/train/index.js";

let engine: Engine;
let block: number;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
  // every x64 machine has one; the suite says so where a machine has none, instead of passing by
  block = (await probeBlockedLayout(engine)) ?? 0;
});
afterAll(() => engine.close());

interface ConvForm {
  kernel?: number;
  stride?: number;
  groups?: number;
  pads?: readonly [number, number, number, number];
}

function conv(
  ctx: LayerContext,
  x: Value,
  name: string,
  outputs: number,
  form: ConvForm = {},
): Value {
  const { kernel = 3, stride = 1, groups = 1 } = form;
  const p = (kernel - 1) / 2;
  const inputs = Number(x.dims?.[1]) / groups;
  const w = ctx.param(`${name}.weight`, [outputs, inputs, kernel, kernel], heNormal());
  return ctx.b.op("Conv", [x, w], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints(form.pads ?? [p, p, p, p]),
    group: int(groups),
  });
}

const layer = (
  ctx: LayerContext,
  x: Value,
  name: string,
  outputs: number,
  form?: ConvForm,
): Value => ctx.b.op("Relu", [ctx.batchNorm(conv(ctx, x, name, outputs, form), `${name}.bn`)]);

type Network = (ctx: LayerContext, x: Value) => Value;

/** Each form that the lowering knows, and some that it has to leave alone; input `[2, 3, side, side]`. */
const NETWORKS: Readonly<Record<string, { side: number; network: Network }>> = {
  "stride 1 and 2 on large maps": {
    side: 48,
    network: (ctx, x) => layer(ctx, layer(ctx, x, "a", 32), "b", 48, { stride: 2 }),
  },
  "stride 1 and 2 on small maps, images folded": {
    side: 8,
    network: (ctx, x) =>
      layer(ctx, layer(ctx, layer(ctx, x, "a", 32), "b", 32), "c", 16, { stride: 2 }),
  },
  "1x1, stride 1 and 2, with a shortcut": {
    side: 16,
    network: (ctx, x) => {
      const stem = layer(ctx, x, "stem", 32, { stride: 2 });
      const inner = layer(ctx, stem, "a", 64, { kernel: 1, stride: 2 });
      const outer = ctx.batchNorm(conv(ctx, inner, "b", 64), "b.bn");
      const down = ctx.batchNorm(conv(ctx, stem, "c", 64, { kernel: 1, stride: 2 }), "c.bn");
      return ctx.b.op("Relu", [ctx.b.op("Add", [outer, down])]);
    },
  },
  "depthwise, stride 1 and 2, clipped": {
    side: 16,
    network: (ctx, x) => {
      const wide = layer(ctx, x, "a", 64);
      const clip = (y: Value): Value => ctx.b.op("Clip", [y, ctx.b.f32(0), ctx.b.f32(6)]);
      const deep = clip(layer(ctx, wide, "b", 64, { groups: 64, stride: 2 }));
      return layer(ctx, layer(ctx, deep, "c", 64, { groups: 64 }), "d", 32, { kernel: 1 });
    },
  },
  "a pyramid: upsampling, sums, concatenation, pooling": {
    side: 32,
    network: (ctx, x) => {
      const { b } = ctx;
      const fine = layer(ctx, x, "a", 32, { stride: 2 });
      const coarse = layer(ctx, fine, "b", 32, { stride: 2 });
      const up = b.op("Resize", [coarse, null, b.f32([1, 1, 2, 2])], {
        mode: str("nearest"),
        coordinate_transformation_mode: str("asymmetric"),
        nearest_mode: str("floor"),
      });
      const pooled = b.op("AveragePool", [fine], {
        kernel_shape: ints([2, 2]),
        strides: ints([2, 2]),
      });
      const both = b.op("Concat", [b.op("Add", [fine, up]), up], { axis: int(1) });
      return b.op("Add", [conv(ctx, both, "c", 16, { stride: 2 }), conv(ctx, pooled, "d", 16)]);
    },
  },
  "channels that fill no block, uneven pads, a bias behind": {
    side: 16,
    network: (ctx, x) => {
      const odd = layer(ctx, layer(ctx, x, "a", 32), "b", 24);
      const back = layer(ctx, odd, "c", 32, { pads: [0, 0, 1, 2] });
      return conv(ctx, back, "d", 5, { kernel: 1 });
    },
  },
};

const BATCH = 2;

function stepOf(
  { side, network }: { side: number; network: Network },
  blockedLayout?: number,
): TrainingStep {
  return buildTrainingStep({
    blockedLayout,
    optimizer: sgd({ momentum: 0, nesterov: false, weightDecay: 0 }),
    build: (ctx) => {
      const { b } = ctx;
      const y = network(ctx, b.input("x", "float32", [BATCH, 3, side, side]));
      // an uneven loss, so that no gradient is a constant map
      const z = b.op("Mul", [y, b.op("Sigmoid", [y])]);
      return { loss: b.op("ReduceMean", [z], { keepdims: int(0) }), metrics: {} };
    },
  });
}

/** Everything that one step puts out. */
async function outputs(
  step: TrainingStep,
  side: number,
): Promise<Record<string, HostTensor<"float32">>> {
  const rng = createRng("blocked layout");
  const x = Float32Array.from({ length: BATCH * 3 * side * side }, () => rng.normal());
  await using session = await engine.createSession(step.model);
  return (await session.run({
    x: float32([BATCH, 3, side, side], x),
    ...initialState(step, { seed: 3 }),
    stepIndex: scalar(0),
    learningRate: scalar(1),
  })) as Record<string, HostTensor<"float32">>;
}

/** How each parameter moved, by name. */
function moves(
  step: TrainingStep,
  out: Record<string, HostTensor<"float32">>,
): Map<string, Float32Array> {
  const before = initialState(step, { seed: 3 })["parameters"]?.data ?? new Float32Array();
  const after = out["next.parameters"]?.data ?? new Float32Array();
  let at = 0;
  return new Map(
    step.parameters.specs.map(({ name, dims }) => {
      const end = at + dims.reduce((a, b) => a * b, 1);
      const moved = after.slice(at, end).map((value, i) => value - (before[at + i] ?? NaN));
      at = end;
      return [name, moved];
    }),
  );
}

const norm = (v: Float32Array): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
const relative = (a: Float32Array, b: Float32Array): number =>
  norm(a.map((value, i) => value - (b[i] ?? NaN))) / norm(a);

const opsOf = (step: TrainingStep): string[] =>
  parseModel(step.model).graph.nodes.map(({ op, domain }) => (domain ? `blocked ${op}` : op));

describe("a step on blocked kernels", () => {
  it("the engine says how large its blocks are, once", () => {
    expect([4, 8, 16]).toContain(block);
    expect(probeBlockedLayout(engine)).toBe(probeBlockedLayout(engine));
  });

  it.each(Object.entries(NETWORKS))("%s: the gradients of the plain step", async (_, net) => {
    const [plain, blocked] = [stepOf(net), stepOf(net, block)];
    const [a, b] = [await outputs(plain, net.side), await outputs(blocked, net.side)];
    expect(Object.keys(b).sort()).toEqual(Object.keys(a).sort());
    expect(b["loss"]?.data[0]).toBeCloseTo(a["loss"]?.data[0] ?? NaN, 5);
    expect(
      relative(
        a["next.buffers"]?.data ?? new Float32Array(),
        b["next.buffers"]?.data ?? new Float32Array(),
      ),
    ).toBeLessThan(1e-5);
    const [inPlain, inBlocked] = [moves(plain, a), moves(blocked, b)];
    // a convolution before a normalization moves little in itself: its error counts against the whole
    const floor = 1e-4 * Math.max(...[...inPlain.values()].map(norm));
    for (const [name, moved] of inPlain) {
      const other = inBlocked.get(name) ?? new Float32Array();
      const difference = norm(moved.map((value, i) => value - (other[i] ?? NaN)));
      expect(difference / (norm(moved) + floor), name).toBeLessThan(2e-3);
    }
    expect(opsOf(blocked)).toContain("blocked Conv");
    expect(opsOf(plain).join()).not.toContain("blocked");
  });

  it.each([
    "stride 1 and 2 on large maps",
    "1x1, stride 1 and 2, with a shortcut",
    "depthwise, stride 1 and 2, clipped",
  ])("%s: nothing of weight stays plain", (name) => {
    const ops = opsOf(stepOf(NETWORKS[name] ?? { side: 0, network: (_, x) => x }, block));
    for (const op of ["ConvTranspose", "BatchNormalization"])
      expect(ops.filter((own) => own === op)).toHaveLength(0);
    // what turns the taps of a depthwise filter around is small
    if (!name.startsWith("depthwise")) expect(ops).not.toContain("MatMul");
    // of a stem's weight gradient the one convolution that lays out its columns
    expect(ops.filter((op) => op === "Conv")).toHaveLength(1);
  });

  it("on blocks of another size comes to other numbers: what the probe's trial is for", async () => {
    const net = NETWORKS["stride 1 and 2 on large maps"] ?? { side: 0, network: (_, x) => x };
    const wrong = block === 16 ? 8 : 16;
    const [plain, blocked] = [stepOf(net), stepOf(net, wrong)];
    const [a, b] = [
      await outputs(plain, net.side),
      await outputs(blocked, net.side).catch(() => undefined),
    ];
    const moved = (out: typeof b): Float32Array =>
      out?.["next.parameters"]?.data ?? new Float32Array();
    const started = initialState(plain, { seed: 3 })["parameters"]?.data ?? new Float32Array();
    const change = (v: Float32Array): Float32Array => started.map((x, i) => (v[i] ?? NaN) - x);
    expect(relative(change(moved(a)), change(moved(b)))).not.toBeLessThan(0.01);
  });

  it("keeps a map that is put out as it was before its Relu", async () => {
    const before = (blockedLayout?: number): TrainingStep =>
      buildTrainingStep({
        blockedLayout,
        optimizer: sgd({ momentum: 0 }),
        build: (ctx) => {
          const { b } = ctx;
          const x = b.input("x", "float32", [BATCH, 3, 16, 16]);
          const sum = b.op("Add", [
            ctx.batchNorm(conv(ctx, layer(ctx, x, "a", 32), "b", 32), "b.bn"),
            layer(ctx, x, "c", 32),
          ]);
          const loss = b.op("ReduceMean", [b.op("Relu", [sum])], { keepdims: int(0) });
          return { loss, metrics: { sum } };
        },
      });
    const [plain, blocked] = [await outputs(before(), 16), await outputs(before(block), 16)];
    const [a, b] = [plain["sum"]?.data, blocked["sum"]?.data].map((v) => v ?? new Float32Array());
    expect(Math.min(...(a ?? []))).toBeLessThan(-0.1);
    expect(relative(a ?? new Float32Array(), b ?? new Float32Array())).toBeLessThan(1e-4);
  });

  it("names the domain of its kernels in the model", () => {
    const net = NETWORKS["depthwise, stride 1 and 2, clipped"] ?? { side: 0, network: (_, x) => x };
    expect(parseModel(stepOf(net, 16).model).opsets.get(BLOCKED_DOMAIN)).toBe(1);
  });
});
