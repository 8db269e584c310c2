import { EdgeDistillError, errorMessage } from "../base/index.js";

/** Any thrown value as one of ours: what is not known is a defect of this program. */
export function asEdgeDistillError(error: unknown, { aborted = false } = {}): EdgeDistillError {
  if (error instanceof EdgeDistillError) return error;
  if (aborted || (error instanceof Error && error.name === "AbortError"))
    return new EdgeDistillError("INTERRUPTED", "Interrupted", {
      hint: "Run the same command again to continue.",
      cause: error,
    });
  return new EdgeDistillError("INTERNAL", `Unexpected failure: ${errorMessage(error)}`, {
    hint: "This is a defect of edge-distill. Please report it with the output of the same command and --verbose.",
    cause: error,
  });
}

/** `error CODE: message`, the hint on its own line, and with `verbose` the stacks of the error and its causes. */
export function renderError(error: EdgeDistillError, { verbose = false } = {}): string {
  const lines = [`error ${error.code}: ${error.message}`];
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  if (verbose)
    for (let at: unknown = error, depth = 0; at !== undefined && depth < 8; depth++) {
      lines.push(at instanceof Error ? (at.stack ?? at.message) : errorMessage(at));
      at = at instanceof Error ? at.cause : undefined;
    }
  return lines.join("\n");
}
