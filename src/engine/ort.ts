import type { InferenceSession } from "onnxruntime-node";
import { dependencyError } from "../base/index.js";
import type { ProviderName, SessionOptions } from "./engine.js";

export type Ort = typeof import("onnxruntime-node");

let loading: Promise<Ort> | undefined;

/**
 * Loads onnxruntime-node when the first engine opens.
 * Its own log stays quiet: what goes wrong comes back as an error.
 * @throws DEPENDENCY_MISSING
 */
export function loadOrt(): Promise<Ort> {
  loading ??= import("onnxruntime-node").then(
    (ort) => {
      ort.env.logLevel = "fatal";
      return ort;
    },
    (error: unknown) => {
      loading = undefined;
      throw dependencyError("onnxruntime-node", "running models", error);
    },
  );
  return loading;
}

/** Our session options in onnxruntime-node's words, for one provider of the chain. */
export function ortSessionOptions(
  provider: ProviderName,
  {
    intraOpThreads,
    interOpThreads,
    spinning,
    graphOptimization,
    optimizedModelPath,
    enableMemPattern,
    enableCpuMemArena,
    profilePath,
    config,
  }: SessionOptions,
): InferenceSession.SessionOptions {
  const entries = {
    ...(spinning === undefined ? {} : { "session.intra_op.allow_spinning": spinning ? "1" : "0" }),
    ...config,
  };
  return {
    executionProviders: [provider],
    logSeverityLevel: 4,
    ...(intraOpThreads === undefined ? {} : { intraOpNumThreads: intraOpThreads }),
    ...(interOpThreads === undefined ? {} : { interOpNumThreads: interOpThreads }),
    ...(graphOptimization === undefined ? {} : { graphOptimizationLevel: graphOptimization }),
    ...(optimizedModelPath === undefined ? {} : { optimizedModelFilePath: optimizedModelPath }),
    ...(enableMemPattern === undefined ? {} : { enableMemPattern }),
    ...(enableCpuMemArena === undefined ? {} : { enableCpuMemArena }),
    ...(profilePath === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: profilePrefix(profilePath) }),
    ...(Object.keys(entries).length === 0 ? {} : { extra: entries }),
  };
}

/** ONNX Runtime adds a time stamp to the name of its profile; this is the part before it. */
export function profilePrefix(profilePath: string): string {
  return `${profilePath}.part`;
}
