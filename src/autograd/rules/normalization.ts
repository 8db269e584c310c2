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
];
