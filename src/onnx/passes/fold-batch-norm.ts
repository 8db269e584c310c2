import { float32 } from "../../tensor/index.js";
import { float, type Graph, type Model, type Node, type Value } from "../ir/index.js";
import { inferShapes } from "../ops/index.js";
import { bypass, float32Of } from "./constant.js";
import { definePass } from "./pass.js";
import { normalizationAffine, scaleRows } from "./scale-channels.kernel.js";

interface Affine {
  factors: Float64Array;
  offsets: Float64Array;
}

/**
 * Removes batch normalizations in inference mode with constant statistics:
 * 1. after Conv, ConvTranspose or Gemm with constant weights that feed nothing else: into weights and bias,
 * 2. elsewhere: into a Mul and an Add per channel (needs a known rank).
 * float32 only; normalizations in training mode stay.
 */
export const foldBatchNorm = definePass({
  name: "foldBatchNorm",
  run: (model: Model) => {
    const { graph } = model;
    inferShapes(model);
    for (const node of [...graph.nodes]) {
      if (node.op !== "BatchNormalization" || node.domain !== "") continue;
      const affine = affineOf(graph, node);
      const x = node.inputs[0];
      if (!affine || !x) continue;
      const producer = x.producer();
      const alone = x.uses().length === 1 && !graph.outputs.includes(x);
      if (producer && alone && foldInto(graph, producer, affine)) bypass(graph, node, x);
      else replaceByMulAdd(graph, node, x, affine);
    }
    graph.removeDeadNodes();
  },
});

/** Factor and offset of an inference-mode normalization with constant parameters. */
function affineOf(graph: Graph, node: Node): Affine | undefined {
  if (node.int("training_mode", 0) === 1) return undefined;
  if (node.outputs.slice(1).some((v) => v.uses().length > 0 || graph.outputs.includes(v)))
    return undefined;
  const [scale, bias, mean, variance] = node.inputs.slice(1).map((v) => float32Of(graph, v)?.data);
  if (!scale || !bias || !mean || !variance) return undefined;
  return normalizationAffine(scale, bias, mean, variance, node.float("epsilon", 1e-5));
}

/** Case 1. Returns whether the producer took the normalization in. */
function foldInto(graph: Graph, producer: Node, affine: Affine): boolean {
  const weight = float32Of(graph, producer.inputs[1]);
  if (!weight || producer.domain !== "") return false;
  const given = producer.inputs[2] ?? null;
  const addend = float32Of(graph, given);
  const bias = addend?.data;
  // a Gemm may add per row instead of per channel
  if (given && (!addend || (addend.data.length > 1 && addend.dims.at(-1) !== addend.data.length)))
    return false;
  const channels = affine.factors.length;
  const [first = 0, second = 0] = weight.dims;
  let scaled: Float32Array | undefined;
  let biasFactor = 1;
  switch (producer.op) {
    case "Conv":
      // [O, I / group, k…]: one factor a row
      if (first === channels) scaled = scaleRows(weight.data, first, affine.factors, (o) => o);
      break;
    case "ConvTranspose": {
      // [I, O / group, k…]: channel of the group that input i belongs to
      const group = producer.int("group", 1);
      const perGroup = first / group;
      if (second * group === channels)
        scaled = scaleRows(
          weight.data,
          first * second,
          affine.factors,
          (r) => Math.floor(Math.floor(r / second) / perGroup) * second + (r % second),
        );
      break;
    }
    case "Gemm": {
      const byRow = producer.int("transB", 0) === 1;
      biasFactor = producer.float("beta", 1);
      if ((byRow ? first : second) !== channels) break;
      scaled = byRow
        ? scaleRows(weight.data, first, affine.factors, (o) => o)
        : scaleRows(weight.data, weight.data.length, affine.factors, (i) => i % second);
      break;
    }
  }
  if (!scaled || (bias && bias.length !== channels && bias.length !== 1)) return false;
  const shifted = affine.offsets.map((offset, c) => {
    const b = bias ? (bias[bias.length === 1 ? 0 : c] ?? 0) : 0;
    return biasFactor * b * (affine.factors[c] ?? 1) + offset;
  });
  const name = producer.inputs[1]?.name ?? "weight";
  producer.setInput(1, graph.addInitializer(`${name}_folded`, float32(weight.dims, scaled)));
  producer.setInput(
    2,
    graph.addInitializer(
      `${given?.name ?? name}_bias_folded`,
      float32([channels], Float32Array.from(shifted)),
    ),
  );
  if (producer.op === "Gemm") producer.attributes.set("beta", float(1));
  return true;
}

/** Case 2. */
function replaceByMulAdd(graph: Graph, node: Node, x: Value, { factors, offsets }: Affine): void {
  const [y] = node.outputs;
  if (!x.dims || !y) return;
  const dims = [factors.length, ...x.dims.slice(2).map(() => 1)];
  const constant = (what: string, values: Float64Array): Value =>
    graph.addInitializer(`${node.name}_${what}`, float32(dims, Float32Array.from(values)));
  const append = (op: string, inputs: readonly Value[]): Value => {
    const name = graph.uniqueName(`${node.name}_${op}`);
    const output = graph.newValue(`${name}_out`, { dtype: y.dtype, dims: y.dims });
    graph.addNode({ op, name, inputs, outputs: [output] }, { before: node });
    return output;
  };
  const product = append("Mul", [x, constant("factor", factors)]);
  bypass(graph, node, append("Add", [product, constant("offset", offsets)]));
}
