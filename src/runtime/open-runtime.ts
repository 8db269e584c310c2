import { throwIfAborted } from "../base/index.js";
import { openBundle, type BundleManifest, type KeyInput } from "../bundle/index.js";
import {
  loadDeviceProfile,
  machineFacts,
  probeMachine,
  type DeviceProfile,
  type MachineFacts,
} from "../device/index.js";
import { emitTo, type OnRuntimeEvent } from "./events.js";
import { loadVariant } from "./load-variant.js";
import { Runtime } from "./runtime.js";

export interface OpenRuntimeOptions {
  /** Path of the bundle, a folder or a `.tar`. */
  bundle: string;
  /** Public keys (PEM) from the device's own configuration: who may sign for it. Never from the bundle. */
  trustedKeys: readonly KeyInput[];
  /** `auto` looks at the machine; or the id of a profile, the path of one's own (`.json`), or a profile. */
  device?: string | DeviceProfile;
  /** Name of the variant to run, instead of having it chosen. */
  variant?: string;
  /** How far a smaller precision's measured accuracy may lie below fp32's. Default 0.02. */
  maxAccuracyDrop?: number;
  /** Runs at the same time, each with its own copy of the model. Default: the cores on a CPU, 1 on a GPU. */
  workers?: number;
  /** Threads inside one run. Default 1: many narrow runs beat one wide one. */
  threadsPerWorker?: number;
  /** Instead of the bundle's. */
  scoreThreshold?: number;
  iouThreshold?: number;
  maxDetections?: number;
  /** `lenient`, the default, takes JPEGs that the decoder only warns of, as cameras write them. */
  tolerance?: "strict" | "lenient";
  onEvent?: OnRuntimeEvent;
  /** Interrupts opening. */
  signal?: AbortSignal;
}

/**
 * Verifies a bundle, picks the variant that suits the device, loads it and proves by one run that model, input and
 * decoder fit together.
 * @throws BUNDLE_UNSIGNED, BUNDLE_UNTRUSTED, BUNDLE_TAMPERED, BUNDLE_INVALID, BUNDLE_KEY, DEVICE_UNKNOWN, DEVICE_INVALID,
 *   RUNTIME_NO_VARIANT, DEPENDENCY_MISSING, ENGINE_FEED, ENGINE_RUN, DECODE_SHAPE, DECODE_UNKNOWN, IO_NOT_FOUND,
 *   INTERRUPTED
 */
export async function openRuntime({
  bundle: path,
  trustedKeys,
  device = "auto",
  variant: name,
  maxAccuracyDrop,
  workers,
  threadsPerWorker,
  scoreThreshold,
  iouThreshold,
  maxDetections,
  tolerance = "lenient",
  onEvent,
  signal,
}: OpenRuntimeOptions): Promise<Runtime> {
  const emit = emitTo(onEvent);
  const bundle = await openBundle(path, {
    trustedKeys,
    ...(signal === undefined ? {} : { signal }),
  });
  const { profile, machine } = await findDevice(device);
  throwIfAborted(signal, `opening ${path}`);
  const loaded = await loadVariant(bundle, {
    profile,
    machine,
    emit,
    name,
    workers,
    threadsPerWorker,
    maxAccuracyDrop,
    signal,
  });
  const { manifest } = bundle;
  const runtime = new Runtime({
    ...loaded,
    manifest,
    profile,
    machine,
    decode: {
      ...decodeSpec(manifest),
      ...(scoreThreshold === undefined ? {} : { scoreThreshold }),
      ...(iouThreshold === undefined ? {} : { iouThreshold }),
      ...(maxDetections === undefined ? {} : { maxDetections }),
    },
    tolerance,
    emit,
  });
  try {
    await runtime.warmUp();
    throwIfAborted(signal, `opening ${path}`);
  } catch (error) {
    await runtime.close();
    throw error;
  }
  return runtime;
}

async function findDevice(
  device: string | DeviceProfile,
): Promise<{ profile: DeviceProfile; machine: MachineFacts }> {
  if (device === "auto") {
    const { machine, profileId } = await probeMachine();
    return { machine, profile: await loadDeviceProfile(profileId) };
  }
  const [machine, profile] = await Promise.all([
    machineFacts(),
    typeof device === "string" ? loadDeviceProfile(device) : device,
  ]);
  return { machine, profile };
}

function decodeSpec({ decoder, classes, input }: BundleManifest): {
  decoder: string;
  classCount: number;
  widthPx: number;
  heightPx: number;
  scoreThreshold: number;
  iouThreshold: number;
} {
  return {
    decoder: decoder.id,
    classCount: classes.length,
    widthPx: input.widthPx,
    heightPx: input.heightPx,
    scoreThreshold: decoder.scoreThreshold,
    iouThreshold: decoder.iouThreshold,
  };
}
