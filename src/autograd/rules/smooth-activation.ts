import type { Value } from "../../onnx/index.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/** Activations without a bend. z is the output. */
export const smoothActivationRules: readonly Rule[] = [
  defineRule("Gelu", (c) => {
    const approximate = c.node.string("approximate", "none");
    return [() => c.mul(c.dy, approximate === "tanh" ? tanhGeluSlope(c) : geluSlope(c))];
  }),
  // x·t, t = tanh(ln(1 + eˣ)): t + x(1 - t²)σ(x)
  defineRule("Mish", (c) => [
    () => {
      const t = c.op("Tanh", [c.op("Softplus", [c.x()])]);
      const bend = c.mul(c.sub(c.num(1), c.mul(t, t)), c.op("Sigmoid", [c.x()]));
      return c.mul(c.dy, c.add(t, c.mul(c.x(), bend)));
    },
  ]),
  // (x/(1 + |x|))' = 1/(1 + |x|)² = (1 - |z|)²
  defineRule("Softsign", (c) => [
    () => {
      const rest = c.sub(c.num(1), c.op("Abs", [c.y()]));
      return c.mul(c.dy, c.mul(rest, rest));
    },
  ]),
];

/** x·Φ(x): Φ + x·φ with Φ = (1 + erf(x/√2))/2, φ = exp(-x²/2)/√(2π). */
function geluSlope(c: RuleContext): Value {
  const x = c.x();
  const below = c.scale(c.add(c.op("Erf", [c.scale(x, Math.SQRT1_2)]), c.num(1)), 0.5);
  const bell = c.scale(c.op("Exp", [c.scale(c.mul(x, x), -0.5)]), 1 / Math.sqrt(2 * Math.PI));
  return c.add(below, c.mul(x, bell));
}

/** x/2·(1 + t), t = tanh(k(x + ax³)): (1 + t)/2 + x/2·(1 - t²)·k(1 + 3ax²). */
function tanhGeluSlope(c: RuleContext): Value {
  const [k, a] = [Math.sqrt(2 / Math.PI), 0.044715];
  const x = c.x();
  const ax2 = c.scale(c.mul(x, x), a);
  const t = c.op("Tanh", [c.scale(c.mul(x, c.add(ax2, c.num(1))), k)]);
  const steepness = c.mul(c.sub(c.num(1), c.mul(t, t)), c.add(c.scale(ax2, 3), c.num(1)));
  return c.scale(c.add(c.add(t, c.num(1)), c.mul(c.scale(x, k), steepness)), 0.5);
}
