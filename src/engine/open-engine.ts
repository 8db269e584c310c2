import type { Engine, EngineOptions } from "./engine.js";
import { openInlineEngine } from "./inline-engine.js";
import { openWorkerEngine } from "./worker-engine.js";

/**
 * Opens ONNX Runtime.
 * @throws DEPENDENCY_MISSING when onnxruntime-node is not installed or does not load here
 */
export function openEngine({
  kind = "worker",
  workers = 1,
  maxHeapMiB,
}: EngineOptions = {}): Promise<Engine> {
  return kind === "inline"
    ? openInlineEngine()
    : openWorkerEngine({ workers: Math.max(1, workers), maxHeapMiB });
}
