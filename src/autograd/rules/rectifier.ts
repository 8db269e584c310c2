import type { Value } from "../../onnx/index.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/** `dy · above` where x > 0, `dy · below` elsewhere. */
function bent(c: RuleContext, above: number, below: Value): Value {
  const positive = c.op("Greater", [c.x(), c.num(0)]);
  return c.mul(c.dy, c.op("Where", [positive, c.num(above), below]));
}

/** Of the published constants; ONNX gives them in float32. */
const SELU = { alpha: Math.fround(1.6732632423543772), gamma: Math.fround(1.0507009873554805) };

/** Activations that are a line above 0 (or a threshold) and something else below. z is the output. */
export const rectifierRules: readonly Rule[] = [
  // α(eˣ - 1): z + α
  defineRule("Elu", (c) => [() => bent(c, 1, c.add(c.y(), c.num(c.node.float("alpha", 1))))]),
  // γα(eˣ - 1): z + γα
  defineRule("Selu", (c) => {
    const gamma = c.node.float("gamma", SELU.gamma);
    const alpha = c.node.float("alpha", SELU.alpha);
    return [() => bent(c, gamma, c.add(c.y(), c.num(gamma * alpha)))];
  }),
  // α(exp(x/α) - 1): z/α + 1
  defineRule("Celu", (c) => [
    () => bent(c, 1, c.add(c.scale(c.y(), 1 / c.node.float("alpha", 1)), c.num(1))),
  ]),
  defineRule("ThresholdedRelu", (c) => [
    () => c.mul(c.dy, c.mask(c.op("Greater", [c.x(), c.num(c.node.float("alpha", 1))]))),
  ]),
  // slope · x below 0: the slope's gradient is min(x, 0)
  defineRule("PRelu", (c) => [
    () => bent(c, 1, c.x(1)),
    () => c.mul(c.dy, c.op("Min", [c.x(), c.num(0)])),
  ]),
];
