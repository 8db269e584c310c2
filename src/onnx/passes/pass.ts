import { EdgeDistillError } from "../../base/index.js";
import { cloneModel, type Model } from "../ir/index.js";
import { verifyGraph } from "./verify.js";

/** A property of a model that a pass asks for or promises. */
export interface Condition {
  readonly name: string;
  /** What breaks it, with the place; undefined when it holds. */
  violation(model: Model): string | undefined;
}

/** A rewriting of models: takes one, gives another, leaves the first as it was. Tensor data is shared between them. */
export interface Pass<Options> {
  (model: Model, options?: Options): Model;
  readonly passName: string;
  readonly requires: readonly Condition[];
  readonly ensures: readonly Condition[];
}

/**
 * Makes a pass of a function that edits a model in place: it gets a copy. Conditions are checked before and after,
 * and the result is verified.
 * @throws (the pass) ONNX_INVALID_GRAPH when a requirement does not hold; INTERNAL when a promise is broken
 */
export function definePass<Options = Record<string, never>>({
  name,
  requires = [],
  ensures = [],
  run,
}: {
  name: string;
  requires?: readonly Condition[];
  ensures?: readonly Condition[];
  run: (model: Model, options: Partial<Options>) => void;
}): Pass<Options> {
  const pass = (source: Model, options?: Options): Model => {
    const model = cloneModel(source);
    for (const condition of requires) {
      const violation = condition.violation(model);
      if (violation !== undefined)
        throw new EdgeDistillError(
          "ONNX_INVALID_GRAPH",
          `Pass ${name} requires "${condition.name}": ${violation}`,
          {
            hint: "Run inferShapes() on the model first, or exclude the named node.",
            details: { pass: name, condition: condition.name },
          },
        );
    }
    run(model, options ?? {});
    verifyGraph(model);
    for (const condition of ensures) {
      const violation = condition.violation(model);
      if (violation !== undefined)
        throw new EdgeDistillError(
          "INTERNAL",
          `Pass ${name} broke its promise "${condition.name}": ${violation}`,
          {
            hint: "Please report this with the model.",
            details: { pass: name, condition: condition.name },
          },
        );
    }
    return model;
  };
  return Object.assign(pass, { passName: name, requires, ensures });
}

/** One step of a pipeline: a pass, or a pass with its options bound. */
export type PassStep = (model: Model) => Model;

/** Applies steps in order. */
export function runPasses(model: Model, steps: readonly PassStep[]): Model {
  return steps.reduce((m, step) => step(m), model);
}
