import type { GraphBuilder, Value } from "../onnx/index.js";
import { type Algebra } from "./algebra.js";
import type { Gradient } from "./rule.js";

/** A value whose gradient is not derived node by node. */
export interface Composite {
  readonly inputs: readonly Value[];
  gradients(ctx: Algebra, dy: Value): readonly Gradient[];
}

const composites = new WeakMap<Value, Composite>();

/** How `value` passes its gradient on, when not through the node that computes it. */
export function compositeOf(value: Value): Composite | undefined {
  return composites.get(value);
}

/**
 * Declares that `output` is a function of `inputs` with the given gradient; the walker then steps from `output` straight
 * to `inputs`. The nodes between stay ordinary ONNX.
 * @param gradients one entry an input, from `dy`, the gradient by `output`
 */
export function withGradient(
  output: Value,
  inputs: readonly Value[],
  gradients: Composite["gradients"],
): Value {
  composites.set(output, { inputs, gradients });
  return output;
}

/** The same value for the forward pass, a constant for the gradient. */
export function stopGradient(b: GraphBuilder, value: Value): Value {
  return withGradient(b.op("Identity", [value], {}, { name: "stop_gradient" }), [], () => []);
}
