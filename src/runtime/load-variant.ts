import { EdgeDistillError, throwIfAborted } from "../base/index.js";
import type { OpenBundle } from "../bundle/index.js";
import type { DeviceProfile, MachineFacts } from "../device/index.js";
import { openEngine, type Engine, type EngineSession } from "../engine/index.js";
import type { OnRuntimeEvent } from "./events.js";
import { selectVariant, type FailedLoad, type VariantSelection } from "./select-variant.js";

/** A variant in memory, ready to run. */
export interface LoadedVariant {
  selection: VariantSelection;
  engine: Engine;
  session: EngineSession;
  /** Runs at the same time. */
  workers: number;
}

/** Failures after which another provider or variant may still load. */
const NEXT_ONE: readonly string[] = ["ENGINE_PROVIDER", "ENGINE_LOAD"];

/**
 * Loads the best variant that really loads: what does not is reported, and the next best is tried. On the CPU as many
 * one-threaded workers as cores (side by side they beat one wide run), on a GPU one.
 * @throws RUNTIME_NO_VARIANT, BUNDLE_TAMPERED, DEPENDENCY_MISSING, ONNX_CORRUPT, ENGINE_CRASHED, INTERRUPTED
 */
export async function loadVariant(
  bundle: OpenBundle,
  {
    profile,
    machine,
    emit,
    name,
    workers,
    threadsPerWorker = 1,
    maxAccuracyDrop,
    signal,
  }: {
    profile: DeviceProfile;
    machine: MachineFacts;
    emit: OnRuntimeEvent;
    name: string | undefined;
    workers: number | undefined;
    threadsPerWorker: number | undefined;
    maxAccuracyDrop: number | undefined;
    signal: AbortSignal | undefined;
  },
): Promise<LoadedVariant> {
  const failed: FailedLoad[] = [];
  const options = {
    failed,
    ...(name === undefined ? {} : { name }),
    ...(maxAccuracyDrop === undefined ? {} : { maxAccuracyDrop }),
  };
  for (;;) {
    const selection = selectVariant(bundle.manifest, profile, machine, options);
    const { variant, providers } = selection;
    const model = await bundle.readVariant(variant.name);
    throwIfAborted(signal, `loading ${variant.file}`);
    const count = Math.max(1, workers ?? (providers[0] === "cpu" ? machine.cores : 1));
    const engine = await openEngine({ workers: count });
    try {
      const session = await engine.createSession(model, {
        providers,
        name: `${bundle.path}: ${variant.file}`,
        intraOpThreads: threadsPerWorker,
      });
      emit({ kind: "variant-selected", selection, provider: session.provider });
      return { selection, engine, session, workers: count };
    } catch (error) {
      await engine.close();
      if (!(error instanceof EdgeDistillError) || !NEXT_ONE.includes(error.code)) throw error;
      emit({ kind: "variant-failed", variant: variant.name, providers, error });
      failed.push({ variant: variant.name, providers, why: error.message });
    }
  }
}
