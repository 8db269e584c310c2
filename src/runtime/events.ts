import type { EdgeDistillError } from "../base/index.js";
import type { ProviderName } from "../engine/index.js";
import type { VariantSelection } from "./select-variant.js";

/** What happens beside the results. */
export type RuntimeEvent =
  /** A variant is loaded and runs. */
  | { kind: "variant-selected"; selection: VariantSelection; provider: ProviderName }
  /** A variant did not load; the next best is tried. */
  | {
      kind: "variant-failed";
      variant: string;
      providers: readonly ProviderName[];
      error: EdgeDistillError;
    }
  /** A frame could not be read. The stream goes on without it. */
  | {
      kind: "frame-failed";
      source: string;
      frameId: string;
      sequence: number;
      error: EdgeDistillError;
    }
  /** A waiting frame made way for a newer one, or for the end of the stream (policy `latest`). */
  | { kind: "frame-dropped"; source: string; frameId: string; sequence: number };

export type OnRuntimeEvent = (event: RuntimeEvent) => void;

/** Calls the listener after the work at hand, so that what it throws hits nobody's frame. */
export function emitTo(listener: OnRuntimeEvent | undefined): OnRuntimeEvent {
  if (listener === undefined) return () => undefined;
  return (event) => {
    queueMicrotask(() => {
      listener(event);
    });
  };
}
