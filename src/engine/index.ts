export type {
  Engine,
  EngineOptions,
  EngineSession,
  ProviderAttempt,
  ProviderName,
  RunOptions,
  SessionOptions,
  TensorInfo,
} from "./engine.js";
export { openEngine } from "./open-engine.js";
