import { EdgeDistillError } from "./error.js";

/** @throws INTERRUPTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted)
    throw new EdgeDistillError("INTERRUPTED", `Interrupted while ${doing}`, {
      hint: "Run the same command again to continue.",
    });
}
