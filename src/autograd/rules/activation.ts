import { float, type Value } from "../../onnx/index.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/**
 * 1 where `x` > 0, else 0. A steep HardSigmoid is exact for every float32 from 1e-30 up and twice as fast as comparing
 * and casting on the CPU; it exists for float32 only.
 */
export function positiveMask(c: RuleContext, x: Value): Value {
  return c.dtype === "float32"
    ? c.op("HardSigmoid", [x], { alpha: float(1e30), beta: float(0) })
    : c.mask(c.op("Greater", [x, c.num(0)]));
}

/** 1 where low < x < high. */
function between(c: RuleContext, x: Value, low: Value, high: Value): Value {
  return c.mask(c.op("And", [c.op("Greater", [x, low]), c.op("Less", [x, high])]));
}

/** Activation functions. z is the output. */
export const activationRules: readonly Rule[] = [
  defineRule("Relu", (c) => [() => c.mul(c.dy, positiveMask(c, c.y()))]),
  defineRule("LeakyRelu", (c) => {
    const alpha = c.node.float("alpha", 0.01);
    return [() => c.mul(c.dy, c.add(c.scale(positiveMask(c, c.x()), 1 - alpha), c.num(alpha)))];
  }),
  // σ' = σ(1 - σ)
  defineRule("Sigmoid", (c) => [() => c.mul(c.dy, c.mul(c.y(), c.sub(c.num(1), c.y())))]),
  // tanh' = 1 - tanh²
  defineRule("Tanh", (c) => [() => c.mul(c.dy, c.sub(c.num(1), c.mul(c.y(), c.y())))]),
  // ln(1 + eˣ)' = σ(x)
  defineRule("Softplus", (c) => [() => c.mul(c.dy, c.op("Sigmoid", [c.x()]))]),
  defineRule("HardSigmoid", (c) => [
    () => c.scale(c.mul(c.dy, between(c, c.y(), c.num(0), c.num(1))), c.node.float("alpha", 0.2)),
  ]),
  // x·h(x), h = clip(x/6 + 1/2, 0, 1): h + x/6 where 0 < h < 1
  defineRule("HardSwish", (c) => [
    () => {
      const h = c.op("HardSigmoid", [c.x()], { alpha: float(1 / 6), beta: float(0.5) });
      const slope = c.scale(c.mul(c.x(), between(c, h, c.num(0), c.num(1))), 1 / 6);
      return c.mul(c.dy, c.add(h, slope));
    },
  ]),
  defineRule("Clip", (c) => [
    () => {
      const [x, low, high] = c.node.inputs;
      let dx = c.dy;
      if (x && low) dx = c.mul(dx, c.mask(c.op("GreaterOrEqual", [x, low])));
      if (x && high) dx = c.mul(dx, c.mask(c.op("LessOrEqual", [x, high])));
      return dx;
    },
  ]),
  // z(dy - Σ dy·z)
  defineRule("Softmax", (c) => [
    () => c.mul(c.y(), c.sub(c.dy, c.sum(c.mul(c.dy, c.y()), normalizedAxes(c)))),
  ]),
  // dy - eᶻ Σ dy
  defineRule("LogSoftmax", (c) => [
    () => c.sub(c.dy, c.mul(c.op("Exp", [c.y()]), c.sum(c.dy, normalizedAxes(c)))),
  ]),
];

/** Before opset 13 Softmax flattens to a matrix: it sums over `axis` and all that follow. */
function normalizedAxes(c: RuleContext): readonly number[] {
  const rank = c.x().dims?.length ?? 1;
  const axis = c.node.int("axis", c.b.opset < 13 ? 1 : -1);
  const first = axis < 0 ? axis + rank : axis;
  return c.b.opset < 13 ? Array.from({ length: rank - first }, (_, i) => first + i) : [first];
}
