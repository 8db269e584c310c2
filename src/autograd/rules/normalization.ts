import type { Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule } from "../rule.js";

export const normalizationRules: readonly Rule[] = [
  // y = (x - m)·k + β with k = γ/√(v + ε), statistics fixed; see batchNormTraining for those of the batch
  defineRule("BatchNormalization", (c) => {
    if (c.node.int("training_mode", 0)) c.fail("training mode; build it with batchNormTraining()");
    const dims = dimsOf(c.x());
    const axes = dims.flatMap((_, i) => (i === 1 ? [] : [i]));
    const spread = (i: number) => c.reshape(c.x(i), dims.map((d, j) => (j === 1 ? d : 1)).slice(1));
    const total = (v: ReturnType<typeof c.x>) => c.sum(v, axes, { keep: false });
    const deviation = () => c.op("Sqrt", [c.add(spread(4), c.num(c.node.float("epsilon", 1e-5)))]);
    const centered = () => c.div(c.sub(c.x(), spread(3)), deviation());
    return [
      () => c.mul(c.dy, c.div(spread(1), deviation())),
      () => total(c.mul(c.dy, centered())),
      () => total(c.dy),
      () => c.neg(total(c.mul(c.dy, c.div(spread(1), deviation())))),
      // dk/dv = -γ/2 (v + ε)^(-3/2)
      () => {
        const d = deviation();
        return c.scale(total(c.mul(c.dy, c.mul(centered(), c.div(spread(1), c.mul(d, d))))), -0.5);
      },
    ];
  }),
  // y = x̂·γ + β with x̂ = (x - m)/√(v + ε) over the axes from `axis` on; m, v of x itself
  defineRule("LayerNormalization", (c) => {
    const rank = dimsOf(c.x()).length;
    const first = (c.node.int("axis", -1) + rank) % rank;
    const axes = Array.from({ length: rank - first }, (_, i) => first + i);
    const leading = Array.from({ length: first }, (_, i) => i);
    const size = axes.reduce((n, axis) => n * (dimsOf(c.x())[axis] ?? 1), 1);
    const mean = (v: Value): Value => c.scale(c.sum(v, axes), 1 / size);
    const parts = once(() => {
      const centered = c.sub(c.x(), mean(c.x()));
      const variance = mean(c.mul(centered, centered));
      const spread = c.op("Sqrt", [c.add(variance, c.num(c.node.float("epsilon", 1e-5)))]);
      return { normal: c.div(centered, spread), spread };
    });
    return [
      // dx = (ŷ - mean ŷ - x̂ · mean(ŷ·x̂)) / √(v + ε) with ŷ = dy·γ
      () => {
        const { normal, spread } = parts();
        const scaled = c.mul(c.dy, c.x(1));
        const along = c.mul(normal, mean(c.mul(scaled, normal)));
        return c.div(c.sub(c.sub(scaled, mean(scaled)), along), spread);
      },
      () => c.sum(c.mul(c.dy, parts().normal), leading, { keep: false }),
      () => c.sum(c.dy, leading, { keep: false }),
    ];
  }),
];

/** Builds at the first call, for what several gradients share. */
function once<T>(build: () => T): () => T {
  let built: T | undefined;
  return () => (built ??= build());
}
