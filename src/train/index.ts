export { constant, heNormal, normal, ones, zeros, type Initializer } from "./initializers.js";
export type { LayerContext, ParameterOptions } from "./scope.js";
export {
  adamW,
  sgd,
  type Optimizer,
  type OptimizerInputs,
  type OptimizerUpdate,
} from "./optimizer.js";
export {
  buildTrainingStep,
  initialState,
  weightsOf,
  type FlatEntry,
  type FlatLayout,
  type TrainingState,
  type TrainingStep,
  type TrainingStepOptions,
  type Weights,
} from "./training-step.js";
export { probeBlockedLayout } from "./blocked-layout.js";
export { buildInferenceGraph } from "./inference-graph.js";
export { Trainer, type StepMetrics, type TrainerOptions } from "./trainer.js";
export { constantRate, warmupCosine, type Schedule } from "./schedule.js";
export {
  cpuSecondsUsed,
  fit,
  type Budget,
  type CheckpointPolicy,
  type FitOptions,
  type FitResult,
} from "./fit.js";
export {
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
  type CheckpointFacts,
  type Spent,
} from "./checkpoint.js";
