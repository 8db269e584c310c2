import type { Engine } from "../engine/index.js";
import { cloneModel, serializeModel, type Model } from "../onnx/index.js";
import type { Feeds } from "./calibrate.js";
import { signalAndNoise } from "./signal-noise.kernel.js";

/** How much of one activation survives quantization. */
export interface LayerSqnr {
  readonly value: string;
  readonly node: string;
  readonly op: string;
  /** Signal to quantization noise; Infinity when equal. */
  readonly db: number;
}

/**
 * Signal-to-noise ratio of every activation that a lowered model rounds, against the float model, errors of all
 * earlier layers included; worst first.
 * @param float the prepared model
 * @param lowered made from it by {@link lowerForOrtCpu} or {@link lowerForTensorRt}
 */
export async function layerSqnr(
  float: Model,
  lowered: Model,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  { engine, sampleCount = 4 }: { engine: Engine; sampleCount?: number },
): Promise<LayerSqnr[]> {
  const rounded = new Map<string, string>();
  for (const node of lowered.graph.nodes) {
    if (node.op !== "DequantizeLinear") continue;
    const quantize = node.inputs[0]?.producer();
    const original = quantize?.inputs[0]?.name.replace(/_raw$/, "");
    const output = node.outputs[0]?.name;
    if (quantize?.op !== "QuantizeLinear" || original === undefined || output === undefined)
      continue;
    if (float.graph.value(original)?.producer()) rounded.set(original, output);
  }
  await using a = await engine.createSession(serializeModel(withOutputs(float, rounded.keys())), {
    name: "float model",
  });
  await using b = await engine.createSession(
    serializeModel(withOutputs(lowered, rounded.values())),
    { name: "lowered model" },
  );
  const sums = new Map<string, { signal: number; noise: number }>();
  let seen = 0;
  for await (const feeds of samples) {
    if (seen++ >= sampleCount) break;
    const [x, y] = [await a.run(feeds), await b.run(feeds)];
    for (const [original, output] of rounded) {
      const [expected, actual] = [x[original]?.data, y[output]?.data];
      if (!(expected instanceof Float32Array) || !(actual instanceof Float32Array)) continue;
      const { signal, noise } = signalAndNoise(expected, actual);
      const sum = sums.get(original) ?? { signal: 0, noise: 0 };
      sums.set(original, { signal: sum.signal + signal, noise: sum.noise + noise });
    }
  }
  return [...sums]
    .map(([value, { signal, noise }]): LayerSqnr => {
      const node = float.graph.value(value)?.producer();
      return {
        value,
        node: node?.name ?? "",
        op: node?.op ?? "",
        db: 10 * Math.log10(signal / noise),
      };
    })
    .sort((p, q) => p.db - q.db);
}

function withOutputs(model: Model, names: Iterable<string>): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const present = new Set(graph.outputs.map((v) => v.name));
  for (const name of names) {
    const value = graph.value(name);
    if (value && !present.has(name)) graph.addOutput(value);
  }
  return copy;
}
