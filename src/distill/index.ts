export { composeTeacher, type ComposedTeacher, type StudentView } from "./compose-teacher.js";
export { exportDetector, UNIT_PIXELS, type ExportOptions } from "./export.js";
export {
  distilDetector,
  pretrainOnCorruptions,
  trainDetector,
  type RecipeOptions,
  type RecipeResult,
} from "./recipes.js";
export {
  detectionStep,
  distillationStep,
  type StepOptions,
  type StepShape,
  type TeacherFeeds,
} from "./step.js";
export { inheritWeights } from "./inherit-weights.js";
export { openTeacher, type Teacher } from "./teacher.js";
