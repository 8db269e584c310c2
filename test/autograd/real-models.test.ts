import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differentiate } from "../../src/autograd/index.js";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  createBuilder,
  defaultOpset,
  inferShapes,
  int,
  loadModel,
  serializeModel,
  type Value,
} from "../../src/onnx/index.js";
import { elementCount, float32, type HostTensor } from "../../src/tensor/index.js";
import { noise, REAL_MODELS } from "../onnx/real-models.js";
import { hasData } from "../support/requirements.js";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
});
afterAll(() => engine.close());

/** Scatter with a reduction, which max pooling's gradient needs, came with opset 16. */
const OPSET = 17;

describe.skipIf(!hasData("models"))("whole exported networks", () => {
  it.each(REAL_MODELS.map((m) => [m.name, m] as const))(
    "%s: the loss falls along the gradient as predicted",
    async (_, real) => {
      const model = await loadModel(real.path);
      expect(defaultOpset(model)).toBeLessThanOrEqual(OPSET);
      model.opsets.set("", OPSET);
      const { graph } = model;
      const dims = [1, ...real.dims.slice(1)];
      for (const input of graph.inputs) if (input.name === real.input) input.dims = dims;
      inferShapes(model);
      const b = createBuilder({ opset: OPSET, graph });

      // weights become inputs, so that one session evaluates the loss anywhere
      const weights = [...graph.initializers.values()].filter(
        (v) => v.initializer?.dtype === "float32" && elementCount(v.initializer.dims) > 1,
      );
      const feeds: Record<string, HostTensor> = { [real.input]: noise({ ...real, dims }) };
      const inputs = weights.map((weight) => {
        const data = weight.initializer as HostTensor<"float32">;
        const input = b.input(`weight/${weight.name}`, "float32", data.dims);
        feeds[input.name] = data;
        weight.replaceAllUsesWith(input);
        return input;
      });
      const losses = graph.outputs.map((y) =>
        b.op("ReduceMean", [b.op("Mul", [y, y])], { keepdims: int(0) }),
      );
      const loss = losses.reduce((sum, l) => b.op("Add", [sum, l]));
      const gradients = differentiate(b, loss, inputs);
      const reached = inputs.filter((v) => gradients.has(v));
      // constants of Resize and the like take no gradient
      expect(reached.length).toBeGreaterThan(0.9 * inputs.length);
      graph.outputs.length = 0;
      b.output(loss, "loss");
      for (const input of reached)
        b.output(gradients.get(input) as Value, `gradient/${input.name}`);
      graph.removeDeadNodes();
      await using session = await engine.createSession(serializeModel(model), {
        enableMemPattern: false,
      });
      const known = new Set(session.inputs.map((i) => i.name));
      const at = async (
        weightsAt: Record<string, HostTensor>,
      ): Promise<Record<string, HostTensor>> =>
        session.run(
          Object.fromEntries(
            Object.entries({ ...feeds, ...weightsAt }).filter(([name]) => known.has(name)),
          ),
        );
      const out = await at({});
      const value = (o: Record<string, HostTensor>): number => Number(o["loss"]?.data[0]);
      const gradientOf = (name: string): Float32Array =>
        out[`gradient/${name}`]?.data as Float32Array;
      const squared = reached.reduce(
        (sum, v) => sum + gradientOf(v.name).reduce((s, g) => s + g * g, 0),
        0,
      );
      expect(squared).toBeGreaterThan(0);
      // a step that should change the loss by half a percent each way
      const step = (0.005 * value(out)) / squared;
      const moved = (sign: number): Record<string, HostTensor> =>
        Object.fromEntries(
          reached.map((v) => {
            const w = feeds[v.name] as HostTensor<"float32">;
            const g = gradientOf(v.name);
            return [
              v.name,
              float32(
                w.dims,
                w.data.map((x, i) => x + sign * step * (g[i] ?? 0)),
              ),
            ];
          }),
        );
      const slope = (value(await at(moved(1))) - value(await at(moved(-1)))) / (2 * step);
      expect(slope / squared).toBeGreaterThan(0.97);
      expect(slope / squared).toBeLessThan(1.03);
    },
  );
});
