export { differentiate, type DifferentiateOptions } from "./differentiate.js";
export { defineRule, RuleContext, type Gradient, type Rule } from "./rule.js";
export { Algebra } from "./algebra.js";
export { stopGradient, withGradient, type Composite } from "./composite.js";
export { batchNormTraining, type BatchStatistics } from "./batch-norm.js";
export { RULES } from "./table.js";
