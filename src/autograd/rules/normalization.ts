import type { Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Gradient, type Rule, type RuleContext } from "../rule.js";
import { ratio } from "./reduce.js";
import { axisOf } from "./shape.js";
import { standardize } from "./standardize.js";

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
    const { normal, back } = standardize(c, c.x(), {
      axes,
      epsilon: c.node.float("epsilon", 1e-5),
    });
    return [
      () => back(c.mul(c.dy, c.x(1))),
      () => c.sum(c.mul(c.dy, normal()), leading, { keep: false }),
      () => c.sum(c.dy, leading, { keep: false }),
    ];
  }),
  // the same over the pixels of a channel
  defineRule("InstanceNormalization", (c) => {
    const [, channels = 1, ...pixels] = dimsOf(c.x());
    return inGroups(c, { groups: channels, scale: [1, channels, 1, 1], size: pixels });
  }),
  // the same over the channels of a group; until opset 20 γ and β are of the groups, since then of the channels
  defineRule("GroupNormalization", (c) => {
    const [, channels = 1, ...pixels] = dimsOf(c.x());
    const groups = c.node.int("num_groups", 1);
    const scale = [1, groups, c.b.opset < 21 ? 1 : channels / groups, 1];
    return inGroups(c, { groups, scale, size: pixels });
  }),
  // z = x/n, n = (Σ|x|^p)^(1/p): (dy - n' Σ dy·z)/n with n' = z or sign(x); 0 where n is
  defineRule("LpNormalization", (c) => {
    const axis = axisOf(c, -1);
    return [
      () => {
        const two = c.node.int("p", 2) === 2;
        const slope = two ? c.y() : c.op("Sign", [c.x()]);
        const total = c.sum(two ? c.mul(c.x(), c.x()) : c.op("Abs", [c.x()]), [axis]);
        const norm = two ? c.op("Sqrt", [total]) : total;
        const along = c.mul(slope, c.sum(c.mul(c.dy, c.y()), [axis]));
        return c.mul(c.sub(c.dy, along), ratio(c, c.num(1), norm));
      },
    ];
  }),
];

/** Normalization over groups of channels; x is seen as `[N, groups, channels of one, pixels]`, γ and β as `scale`. */
function inGroups(
  c: RuleContext,
  { groups, scale, size }: { groups: number; scale: readonly number[]; size: readonly number[] },
): readonly Gradient[] {
  const [n = 1, channels = 1] = dimsOf(c.x());
  const view = [n, groups, channels / groups, size.reduce((a, d) => a * d, 1)];
  const epsilon = c.node.float("epsilon", 1e-5);
  const { normal, back } = standardize(c, c.reshape(c.x(), view), { axes: [2, 3], epsilon });
  const dy = c.reshape(c.dy, view);
  const shared = view.flatMap((d, i) => (d !== scale[i] || i === 0 ? [i] : []));
  const total = (v: Value): Value => c.reshape(c.sum(v, shared), dimsOf(c.x(1)));
  return [
    () => c.reshape(back(c.mul(dy, c.reshape(c.x(1), scale))), dimsOf(c.x())),
    () => total(c.mul(dy, normal())),
    () => total(dy),
  ];
}
