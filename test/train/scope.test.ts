import { describe, expect, it } from "vitest";
import { createRng, EdgeDistillError } from "../../src/base/index.js";
import { openEngine } from "../../src/engine/index.js";
import { createBuilder, serializeModel } from "../../src/onnx/index.js";
import { elementCount, float32, type HostTensor } from "../../src/tensor/index.js";
import {
  buildInferenceGraph,
  constant,
  heNormal,
  initialState,
  sgd,
  weightsOf,
} from "../../src/train/index.js";
import { InferenceScope, TrainingScope } from "../../src/train/scope.js";
import { SIDE, toyBatch, toyNetwork, toyStep } from "./toy.js";

function failure(run: () => unknown): EdgeDistillError {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

describe("one network function, two graphs", () => {
  it("asks for the same names and shapes in training and at inference", () => {
    const training = new TrainingScope(createBuilder());
    const image = training.b.input("image", "float32", [8, 1, SIDE, SIDE]);
    toyNetwork(training, image);
    const names = [...training.parameters.keys(), ...training.buffers.keys()];
    expect(names).toContain("a.bn.variance");
    const weights = new Map(
      [...training.parameters.values(), ...training.buffers.values()].map((p) => [
        p.name,
        float32(p.dims, new Float32Array(elementCount(p.dims)).fill(0.5)),
      ]),
    );
    const b = createBuilder();
    toyNetwork(new InferenceScope(b, weights), b.input("image", "float32", ["N", 1, SIDE, SIDE]));
    const constants = [...b.graph.initializers.keys()];
    expect(names.filter((name) => !constants.includes(name))).toEqual([]);
    expect(b.graph.inputs.map((v) => v.name)).toEqual(["image"]);
  });

  it("shares a parameter that is asked for twice, and refuses another shape", () => {
    const scope = new TrainingScope(createBuilder());
    const w = scope.param("w", [2, 3], heNormal());
    expect(scope.param("w", [2, 3], heNormal())).toBe(w);
    const error = failure(() => scope.param("w", [3, 2], heNormal()));
    expect(error.code).toBe("TRAIN_WEIGHTS");
    expect(error.message).toContain("[2, 3]");
  });

  it("refuses a batch normalization that is used twice: its statistics would move twice", () => {
    const scope = new TrainingScope(createBuilder());
    const x = scope.b.input("x", "float32", [2, 3, 4, 4]);
    scope.batchNorm(x, "bn");
    expect(failure(() => scope.batchNorm(x, "bn")).code).toBe("TRAIN_WEIGHTS");
  });

  it("names the parameter that the weights lack or have in another shape", () => {
    const scope = new InferenceScope(createBuilder(), new Map([["w", float32([2], [1, 2])]]));
    const absent = failure(() => scope.param("v", [2]));
    expect(absent.code).toBe("TRAIN_WEIGHTS");
    expect(absent.message).toContain('"v"');
    expect(failure(() => scope.param("w", [3])).message).toContain("[2], the network needs [3]");
  });

  it("normalizes at inference with the running statistics that training moved", async () => {
    // momentum 0.1 towards the batch, 80 times: the running statistics are the batch's to 2e-4
    const step = toyStep({ optimizer: sgd({ momentum: 0 }) });
    await using engine = await openEngine({ kind: "inline" });
    const session = await engine.createSession(step.model);
    let state: Record<string, HostTensor> = initialState(step, { seed: 3 });
    const zero = float32([], [0]);
    const batch = toyBatch(0);
    for (let i = 0; i < 80; i++) {
      const out = await session.run({ ...batch, ...state, stepIndex: zero, learningRate: zero });
      state = Object.fromEntries(
        step.state.map((name) => [name, out[`next.${name}`] as HostTensor]),
      );
    }
    const weights = weightsOf(step, state as Record<string, HostTensor<"float32">>);
    const mean = Array.from(weights.get("a.bn.mean")?.data ?? []);
    const model = buildInferenceGraph({
      weights,
      build: (ctx) => {
        const image = ctx.b.input("image", "float32", ["N", 1, SIDE, SIDE]);
        const w = ctx.param("a.weight", [4, 1, 3, 3], heNormal());
        const y = ctx.b.op("Conv", [image, w], {
          pads: { type: "ints", value: [1, 1, 1, 1] },
          strides: { type: "ints", value: [2, 2] },
        });
        return { y, normalized: ctx.batchNorm(y, "a.bn") };
      },
    });
    const inference = await engine.createSession(serializeModel(model));
    const out = await inference.run({ image: batch["image"] as HostTensor });
    // per channel over batch and pixels
    const stats = (t: HostTensor | undefined): { mean: number; variance: number }[] => {
      const data = t?.data as Float32Array;
      const pixels = (SIDE / 2) ** 2;
      return [0, 1, 2, 3].map((c) => {
        const values = data.filter((_, i) => Math.floor(i / pixels) % 4 === c);
        const m = values.reduce((a, v) => a + v, 0) / values.length;
        return {
          mean: m,
          variance: values.reduce((a, v) => a + (v - m) ** 2, 0) / (values.length - 1),
        };
      });
    };
    stats(out["y"]).forEach(({ mean: m }, c) => {
      expect(mean[c]).toBeCloseTo(m, 3);
    });
    for (const { mean: m, variance } of stats(out["normalized"])) {
      expect(m).toBeCloseTo(0, 2);
      expect(variance).toBeCloseTo(1, 2);
    }
  });
});

describe("initializers", () => {
  it("draws with the variance that fits the fan, the same for the same seed and name", () => {
    const dims = [64, 32, 3, 3];
    const variance = (data: Float32Array): number =>
      data.reduce((a, v) => a + v * v, 0) / data.length;
    const rng = createRng("x");
    expect(variance(heNormal()(dims, rng))).toBeCloseTo(2 / (32 * 9), 3);
    expect(variance(heNormal({ fan: "out", gain: 2 })(dims, rng))).toBeCloseTo(8 / (64 * 9), 2);
    expect(variance(heNormal()([400, 50], rng))).toBeCloseTo(2 / 400, 3);
    expect(constant(7)([2, 2], rng)).toEqual(Float32Array.of(7, 7, 7, 7));
    const step = toyStep();
    const a = initialState(step, { seed: 1 });
    expect(initialState(step, { seed: 1 })).toEqual(a);
    expect(initialState(step, { seed: 2 })["parameters"]).not.toEqual(a["parameters"]);
  });
});
