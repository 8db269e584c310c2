import type { Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import type { RuleContext } from "../rule.js";

/** x̂ = (x - m)/√(v + ε) with the mean and variance of x itself, as a rule sees it. */
export interface Standardized {
  /** x̂, built at the first call. */
  normal(): Value;
  /** From ŷ, the gradient by x̂, the one by x: (ŷ - mean ŷ - x̂ · mean(ŷ·x̂)) / √(v + ε). */
  back(gradient: Value): Value;
}

/** @param axes where mean and variance are taken over */
export function standardize(
  c: RuleContext,
  x: Value,
  { axes, epsilon }: { axes: readonly number[]; epsilon: number },
): Standardized {
  const size = axes.reduce((n, axis) => n * (dimsOf(x)[axis] ?? 1), 1);
  const mean = (v: Value): Value => c.scale(c.sum(v, axes), 1 / size);
  const parts = once(() => {
    const centered = c.sub(x, mean(x));
    const variance = mean(c.mul(centered, centered));
    const spread = c.op("Sqrt", [c.add(variance, c.num(epsilon))]);
    return { normal: c.div(centered, spread), spread };
  });
  return {
    normal: () => parts().normal,
    back: (gradient) => {
      const { normal, spread } = parts();
      const along = c.mul(normal, mean(c.mul(gradient, normal)));
      return c.div(c.sub(c.sub(gradient, mean(gradient)), along), spread);
    },
  };
}

/** Builds at the first call, for what several gradients share. */
function once<T>(build: () => T): () => T {
  let built: T | undefined;
  return () => (built ??= build());
}
