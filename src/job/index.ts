export {
  jobConfigJsonSchema,
  jobConfigSchema,
  loadJobConfig,
  parseJobConfig,
  type JobConfig,
  type JobConfigInput,
} from "./config.js";
export { loadJobData, type JobData } from "./data-stage.js";
export { demoConfig, renderDemoData, type DemoSize } from "./demo-config.js";
export { runJob, type RunJobOptions } from "./run-job.js";
export type { JobResult, VariantResult } from "./result.js";
export type { SelfCommand } from "./stream-stage.js";
export { distilJob } from "./distil-stage.js";
export { modelInputSpec } from "./teacher-file.js";
export { EVALUATION_SCORE, NMS_IOU } from "./judge.js";
