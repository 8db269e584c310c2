export {
  CALIBRATION_METHODS,
  calibrationPresetIds,
  calibrationPresetSchema,
  loadCalibrationPreset,
  type CalibrationMethod,
  type CalibrationPreset,
} from "./preset.js";
export { TensorHistogram } from "./histogram.kernel.js";
export { defineObserver, OBSERVERS, type Observer, type Range } from "./observers.js";
export {
  calibrate,
  MINIMUM_SAMPLES,
  type Calibration,
  type CalibrationIdentity,
  type CalibrateOptions,
  type Feeds,
  type TensorRange,
} from "./calibrate.js";
export { prepare } from "./prepare.js";
export {
  annotate,
  AUTO_FLOAT_SHARE,
  type AnnotateOptions,
  type Annotation,
  type FloatPolicy,
} from "./annotate.js";
export { multiplyAccumulates, type InputDims } from "./macs.js";
export { planFor, plannedValues, type QuantizationTarget, type TargetPlan } from "./plan.js";
export { lowerForOrtCpu, type LowerOrtCpuOptions } from "./lower-ort-cpu.js";
export { lowerForTensorRt, type LowerTensorRtOptions } from "./lower-tensorrt.js";
export { audit, compareKernels, type AuditOptions, type AuditReport } from "./audit.js";
export { lintOrtCpu, ORT_CPU_RULES } from "./lint-ort-cpu.js";
export { lintTensorRt, TENSORRT_RULES } from "./lint-tensorrt.js";
export { defineLintRule, lintModel, type LintIssue, type LintRule } from "./lint.js";
export { layerSqnr, type LayerSqnr } from "./sqnr.js";
export {
  quantizeVariants,
  type QuantizedVariants,
  type QuantizeVariantsOptions,
  type Variant,
  type VariantPrecision,
} from "./variants.js";
