import type { Rule } from "./rule.js";
import { activationRules } from "./rules/activation.js";
import { convRules } from "./rules/conv.js";
import { einsumRules } from "./rules/einsum.js";
import { elementwiseRules } from "./rules/elementwise.js";
import { gatherRules } from "./rules/gather.js";
import { matmulRules } from "./rules/matmul.js";
import { normalizationRules } from "./rules/normalization.js";
import { padRules } from "./rules/pad.js";
import { poolRules } from "./rules/pool.js";
import { quantizeRules } from "./rules/quantize.js";
import { rearrangeRules } from "./rules/rearrange.js";
import { rectifierRules } from "./rules/rectifier.js";
import { reduceRules } from "./rules/reduce.js";
import { shapeRules } from "./rules/shape.js";
import { smoothActivationRules } from "./rules/smooth-activation.js";

/** Every gradient rule; each has a case in the contract suite. */
export const RULES: readonly Rule[] = [
  ...elementwiseRules,
  ...activationRules,
  ...rectifierRules,
  ...smoothActivationRules,
  ...convRules,
  ...poolRules,
  ...normalizationRules,
  ...matmulRules,
  ...einsumRules,
  ...reduceRules,
  ...shapeRules,
  ...padRules,
  ...gatherRules,
  ...rearrangeRules,
  ...quantizeRules,
];

const BY_NAME = new Map(RULES.map((rule) => [`${rule.domain}:${rule.op}`, rule]));

/** The rule of an op, or undefined. */
export function ruleOf(op: string, domain = ""): Rule | undefined {
  return BY_NAME.get(`${domain === "ai.onnx" ? "" : domain}:${op}`);
}

/** Ops whose gradient is zero almost everywhere, or that give integers: the gradient ends there. */
export const NON_DIFFERENTIABLE: ReadonlySet<string> = new Set([
  ...["ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "NonZero", "OneHot", "Unique"],
  ...["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor"],
  ...["Floor", "Ceil", "Round", "Sign", "Mod", "BitShift", "IsNaN", "IsInf"],
  ...["Shape", "Size", "Range", "ConstantOfShape", "EyeLike", "Constant"],
  ...["RandomNormalLike", "RandomUniformLike", "Bernoulli"],
]);
