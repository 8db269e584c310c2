import { EdgeDistillError, errorMessage, isSystemError } from "./error.js";

/**
 * Turns a failed `import()` of an optional dependency into DEPENDENCY_MISSING with the command that cures it.
 * @param name the npm package
 * @param neededFor what does not work without it, as in "reading images"
 */
export function dependencyError(name: string, neededFor: string, error: unknown): EdgeDistillError {
  if (error instanceof EdgeDistillError) return error;
  const absent =
    isSystemError(error, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND") &&
    errorMessage(error).includes(`'${name}'`);
  return new EdgeDistillError(
    "DEPENDENCY_MISSING",
    absent
      ? `The package "${name}" is not installed; ${neededFor} needs it`
      : `The package "${name}" does not load on ${process.platform}-${process.arch}; ${neededFor} needs it: ${errorMessage(error)}`,
    {
      hint: `Run: npm install ${name}${name === "onnxruntime-node" ? " --onnxruntime-node-install=skip" : ""}`,
      details: { package: name, platform: process.platform, arch: process.arch },
      cause: error,
    },
  );
}
