import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { int, parseModel } from "../../src/onnx/index.js";
import { float32, scalar, type HostTensor } from "../../src/tensor/index.js";
import {
  adamW,
  buildTrainingStep,
  constant,
  initialState,
  normal,
  sgd,
  weightsOf,
  type Optimizer,
  type TrainingState,
  type TrainingStep,
} from "../../src/train/index.js";
import { toyBatch, toyStep } from "./toy.js";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
});
afterAll(() => engine.close());

type Outputs = Record<string, HostTensor>;

/** Runs steps by hand: `run(state, index, rate)` → outputs. */
async function runner(
  step: TrainingStep,
): Promise<
  (state: TrainingState, index: number, rate: number, feeds?: Outputs) => Promise<Outputs>
> {
  const session = await engine.createSession(step.model, { intraOpThreads: 1 });
  return (state, index, rate, feeds = {}) =>
    session.run({ ...feeds, ...state, stepIndex: scalar(index), learningRate: scalar(rate) });
}

const next = (step: TrainingStep, out: Outputs): TrainingState =>
  Object.fromEntries(
    step.state.map((name) => [name, out[`next.${name}`] as HostTensor<"float32">]),
  );

const values = (t: HostTensor | undefined): number[] => Array.from(t?.data as Float32Array);

describe("buildTrainingStep", () => {
  it("gives the gradients of conv, batch normalization and Relu that finite differences give", async () => {
    // plain descent at rate 1 without decay: old minus new parameters is the gradient
    const step = toyStep({
      optimizer: sgd({ momentum: 0, nesterov: false, weightDecay: 0 }),
      clipNorm: 1e9,
    });
    const run = await runner(step);
    const batch = toyBatch(1);
    const state = initialState(step, { seed: 5 });
    const out = await run(state, 0, 1, batch);
    const before = values(state["parameters"]);
    const gradient = values(out["next.parameters"]).map((v, i) => (before[i] ?? 0) - v);
    const norm = Math.hypot(...gradient);
    expect(values(out["gradientNorm"])[0]).toBeCloseTo(norm, 4);
    const lossAt = async (at: number, delta: number): Promise<number> => {
      const data = Float32Array.from(before);
      data[at] = (data[at] ?? 0) + delta;
      return (
        values(
          (await run({ ...state, parameters: float32([data.length], data) }, 0, 1, batch))["loss"],
        )[0] ?? NaN
      );
    };
    const h = 4e-3;
    let distance = 0;
    for (let i = 0; i < before.length; i += 3) {
      const slope = ((await lossAt(i, h)) - (await lossAt(i, -h))) / (2 * h);
      distance += (slope - (gradient[i] ?? 0)) ** 2;
    }
    // a third of the elements; a kink of a Relu inside ±h moves single slopes a little
    expect(Math.sqrt(distance) / norm).toBeLessThan(0.02);
  });

  it("learns a toy task", async () => {
    const step = toyStep();
    const run = await runner(step);
    let state = initialState(step, { seed: 0 });
    const losses: number[] = [];
    for (let i = 0; i < 120; i++) {
      const out = await run(state, i, 0.02, toyBatch(i));
      losses.push(values(out["loss"])[0] ?? NaN);
      state = next(step, out);
    }
    const mean = (part: number[]): number => part.reduce((a, v) => a + v, 0) / part.length;
    expect(mean(losses.slice(0, 5))).toBeGreaterThan(0.5);
    expect(mean(losses.slice(-20))).toBeLessThan(0.1);
  });

  it("reports loss, gradient norm and the metrics of the builder", async () => {
    const step = toyStep();
    expect(step.metrics).toEqual(["loss", "gradientNorm", "double"]);
    expect(step.inputs.map((i) => i.name)).toEqual(["image", "label"]);
    const out = await (await runner(step))(initialState(step), 0, 0, toyBatch(0));
    expect(values(out["double"])[0]).toBeCloseTo(2 * (values(out["loss"])[0] ?? 0), 5);
  });

  it("keeps what is not trainable, statistics of its batch normalization included", async () => {
    const step = toyStep({ trainable: (name) => !name.startsWith("a.") });
    const run = await runner(step);
    const state = initialState(step, { seed: 1 });
    const before = weightsOf(step, state, { averaged: false });
    const after = weightsOf(step, next(step, await run(state, 0, 0.1, toyBatch(0))), {
      averaged: false,
    });
    for (const [name, weight] of before) {
      const same = values(after.get(name)).every((v, i) => v === weight.data[i]);
      expect([name, same]).toEqual([name, name.startsWith("a.")]);
    }
  });

  it("starts from given weights where name and shape agree", () => {
    const step = toyStep();
    const from = new Map([
      ["head.bias", float32([2], [3, 4])],
      ["head.weight", float32([1], [9])],
    ]);
    const weights = weightsOf(step, initialState(step, { seed: 1, from }));
    expect(values(weights.get("head.bias"))).toEqual([3, 4]);
    expect(weights.get("head.weight")?.dims).toEqual([6, 2]);
  });

  it("is standard ONNX: no other operator set than ONNX's own", () => {
    const { graph, opsets } = parseModel(toyStep().model);
    expect([...opsets.keys()]).toEqual([""]);
    expect(new Set(graph.nodes.map((n) => n.domain))).toEqual(new Set([""]));
  });

  it("refuses a network with nothing to train", () => {
    let code = "";
    try {
      toyStep({ trainable: () => false });
    } catch (error) {
      if (error instanceof EdgeDistillError) code = error.code;
    }
    expect(code).toBe("TRAIN_WEIGHTS");
  });
});

describe("optimizers, against the formulas in float64", () => {
  const rate = 0.05;
  const start = [0.5, -1.5, 2, 0.1];

  /** loss = Σ c·w² / 2 over a decayed [3] and an undecayed [1] with twice the rate: gradient c·w. */
  const curvature = [1, 2, 0.5, 3];
  function quadratic(optimizer: Optimizer, clipNorm?: number): TrainingStep {
    return buildTrainingStep({
      optimizer,
      ema: 0.5,
      ...(clipNorm === undefined ? {} : { clipNorm }),
      build: (ctx) => {
        const { b } = ctx;
        const w = ctx.param("w", [3], normal(1));
        const v = ctx.param("v", [1], constant(0.1), { decay: false, lrScale: 2 });
        const all = b.op("Concat", [w, v], { axis: int(0) });
        const weighted = b.op("Mul", [b.op("Mul", [all, all]), b.f32(curvature.map((c) => c / 2))]);
        return { loss: b.op("ReduceSum", [weighted], { keepdims: int(0) }), metrics: {} };
      },
    });
  }

  async function trajectory(
    optimizer: Optimizer,
    steps: number,
    clipNorm?: number,
  ): Promise<{ w: number[]; average: number[] }> {
    const step = quadratic(optimizer, clipNorm);
    const run = await runner(step);
    let state = initialState(step, {
      from: new Map([
        ["w", float32([3], start.slice(0, 3))],
        ["v", float32([1], start.slice(3))],
      ]),
    });
    for (let i = 0; i < steps; i++) state = next(step, await run(state, i, rate));
    return { w: values(state["parameters"]), average: values(state["average"]) };
  }

  const near = (got: readonly number[], expected: readonly number[]): void => {
    expected.forEach((e, i) => {
      expect(got[i]).toBeCloseTo(e, 5);
    });
  };

  it("AdamW decays apart from the gradient, corrects its bias, scales rates, and averages", async () => {
    const [beta1, beta2, epsilon, weightDecay] = [0.9, 0.99, 1e-8, 0.1];
    let w = [...start];
    const m = start.map(() => 0);
    const v = start.map(() => 0);
    let average = [...start];
    for (let t = 1; t <= 7; t++) {
      w = w.map((x, i) => {
        const g = (curvature[i] ?? 0) * x;
        m[i] = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
        v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
        const direction =
          (m[i] ?? 0) / (1 - beta1 ** t) / (Math.sqrt((v[i] ?? 0) / (1 - beta2 ** t)) + epsilon);
        const decay = i < 3 ? weightDecay * x : 0;
        return x - rate * (i < 3 ? 1 : 2) * (direction + decay);
      });
      const d = Math.min(0.5, t / (t + 9));
      average = average.map((a, i) => a + (1 - d) * ((w[i] ?? 0) - a));
    }
    const got = await trajectory(adamW({ beta1, beta2, epsilon, weightDecay }), 7);
    near(got.w, w);
    near(got.average, average);
  });

  it.each([true, false])("SGD with momentum, Nesterov %s, clipped", async (nesterov) => {
    const [momentum, weightDecay, clipNorm] = [0.9, 0.01, 1];
    let w = [...start];
    let velocity = start.map(() => 0);
    for (let t = 1; t <= 5; t++) {
      const raw = w.map((x, i) => (curvature[i] ?? 0) * x);
      const clip = Math.min(1, clipNorm / (Math.hypot(...raw) + 1e-6));
      const g = raw.map((x, i) => x * clip + (i < 3 ? weightDecay * (w[i] ?? 0) : 0));
      velocity = velocity.map((x, i) => momentum * x + (g[i] ?? 0));
      w = w.map((x, i) => {
        const move = nesterov ? (g[i] ?? 0) + momentum * (velocity[i] ?? 0) : (velocity[i] ?? 0);
        return x - rate * (i < 3 ? 1 : 2) * move;
      });
    }
    near((await trajectory(sgd({ momentum, nesterov, weightDecay }), 5, clipNorm)).w, w);
  });
});
