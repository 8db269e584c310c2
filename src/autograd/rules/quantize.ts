import type { Value } from "../../onnx/index.js";
import type { DType } from "../../tensor/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

const RANGES: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** Scale or zero point in the shape that broadcasts against x. */
function alongAxis(c: RuleContext, v: Value): Value {
  const rank = dimsOf(c.x()).length;
  if (dimsOf(v).length === 0 || dimsOf(v).join() === "1") return c.reshape(v, []);
  const axis = c.node.int("axis", 1);
  const at = axis < 0 ? axis + rank : axis;
  return c.reshape(
    v,
    Array.from({ length: rank }, (_, i) => (i === at ? (dimsOf(v)[0] ?? 1) : 1)),
  );
}

/**
 * Fake quantization by the straight-through estimator: the pair is the identity inside the representable range and
 * constant outside. Between the two, the gradient is carried in real units on the integer edge.
 * @see https://arxiv.org/abs/1308.3432
 */
export const quantizeRules: readonly Rule[] = [
  defineRule("DequantizeLinear", ({ dy }) => [() => dy]),
  defineRule("QuantizeLinear", (c) => [
    () => {
      const [low, high] =
        RANGES[c.y().dtype ?? "uint8"] ?? c.fail(`the type ${c.y().dtype ?? "unknown"}`);
      const scale = alongAxis(c, c.x(1));
      const zero = c.node.inputs[2];
      const bound = (q: number): Value =>
        c.mul(scale, zero ? c.sub(c.num(q), c.cast(alongAxis(c, zero), c.dtype)) : c.num(q));
      // half a step beyond the ends still rounds to them
      const inside = c.op("And", [
        c.op("GreaterOrEqual", [c.x(), bound(low - 0.5)]),
        c.op("LessOrEqual", [c.x(), bound(high + 0.5)]),
      ]);
      return c.mul(c.dy, c.mask(inside));
    },
  ]),
];
