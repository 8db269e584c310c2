export { ERROR_CODES, type ErrorCode } from "./codes.js";
export {
  EdgeDistillError,
  errorMessage,
  isSystemError,
  type EdgeDistillErrorOptions,
  type SerializedError,
} from "./error.js";
export { createRng, seedFrom, type Rng } from "./rng.js";
export { ioError, readFileBytes, writeFileAtomic, writeFilesAtomic } from "./files.js";
export { silentLogger, type Logger, type OnProgress, type Progress } from "./logger.js";
export { throwIfAborted } from "./abort.js";
export { dependencyError } from "./dependency.js";
export { startWorker, workerFile } from "./worker-url.js";
export { packagePath } from "./package-path.js";
