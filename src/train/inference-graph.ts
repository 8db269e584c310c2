import { createBuilder, type Model, type Value } from "../onnx/index.js";
import { InferenceScope, type LayerContext } from "./scope.js";
import type { Weights } from "./training-step.js";

/**
 * Builds the inference graph of a network with trained weights.
 * @throws TRAIN_WEIGHTS when a weight is missing or of another shape
 */
export function buildInferenceGraph({
  build,
  weights,
  opset = 17,
  metadata = {},
}: {
  /** Declares inputs and returns outputs by name. */
  build: (ctx: LayerContext) => Readonly<Record<string, Value>>;
  weights: Weights;
  opset?: number;
  metadata?: Readonly<Record<string, string>>;
}): Model {
  const b = createBuilder({ opset });
  const outputs = build(new InferenceScope(b, weights));
  for (const [name, value] of Object.entries(outputs)) b.output(value, name);
  b.graph.removeDeadNodes();
  return b.model(metadata);
}
