export type { OnRuntimeEvent, RuntimeEvent } from "./events.js";
export { folderSource, IMAGE_EXTENSIONS, type FolderSourceOptions } from "./folder-source.js";
export {
  captureTime,
  publishable,
  STAGES,
  type CapturedAt,
  type Frame,
  type FrameResult,
  type FrameSource,
  type Stage,
  type StagesMs,
} from "./frame.js";
export type { FrameCounters, FrameStreamOptions } from "./frame-stream.js";
export { openRuntime, type OpenRuntimeOptions } from "./open-runtime.js";
export { pushSource, type PushSource } from "./push-source.js";
export type { Runtime, RuntimeStats } from "./runtime.js";
export {
  selectVariant,
  type FailedLoad,
  type SelectVariantOptions,
  type VariantSelection,
} from "./select-variant.js";
export type { StageSummary } from "./stage-times.js";
