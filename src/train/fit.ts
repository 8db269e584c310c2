import { EdgeDistillError, type OnProgress } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import { writeCheckpoint } from "./checkpoint.js";
import type { Schedule } from "./schedule.js";
import type { StepMetrics, Trainer } from "./trainer.js";

/** When a fit ends: by steps, by wall seconds, or by CPU seconds of this process, whichever comes first. */
export interface Budget {
  steps?: number;
  wallSeconds?: number;
  cpuSeconds?: number;
}

export interface FitOptions {
  trainer: Trainer;
  /** Feeds of step `index`; called one step ahead, so that it overlaps the step in the engine. */
  batch: (index: number) => Promise<Record<string, HostTensor>>;
  imagesPerStep: number;
  schedule: Schedule;
  budget: Budget;
  stage?: string;
  onProgress?: OnProgress;
  signal?: AbortSignal;
  /** Written every so many steps, and when interrupted. */
  checkpoint?: { path: string; everySteps: number };
}

export interface FitResult {
  steps: number;
  wallSeconds: number;
  /** User and system time of the whole process meanwhile, every thread counted. */
  cpuSeconds: number;
  imagesPerSecond: number;
  /** One entry a step. */
  history: readonly StepMetrics[];
}

/** CPU seconds that this process has used so far, all threads. */
export function cpuSecondsUsed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Trains until the budget is used up.
 * @throws TRAIN_DIVERGED; INTERRUPTED after the checkpoint is written
 */
export async function fit({
  trainer,
  batch,
  imagesPerStep,
  schedule,
  budget,
  stage = "train",
  onProgress,
  signal,
  checkpoint,
}: FitOptions): Promise<FitResult> {
  const wallStart = performance.now();
  const cpuStart = cpuSecondsUsed();
  const firstStep = trainer.stepIndex;
  const used = (): { wallSeconds: number; cpuSeconds: number; progress: number } => {
    const wallSeconds = (performance.now() - wallStart) / 1000;
    const cpuSeconds = cpuSecondsUsed() - cpuStart;
    const progress = Math.max(
      budget.steps === undefined ? 0 : trainer.stepIndex / budget.steps,
      budget.wallSeconds === undefined ? 0 : wallSeconds / budget.wallSeconds,
      budget.cpuSeconds === undefined ? 0 : cpuSeconds / budget.cpuSeconds,
    );
    return { wallSeconds, cpuSeconds, progress };
  };
  const history: StepMetrics[] = [];
  let lossMean = NaN;
  let pending = batch(trainer.stepIndex);
  // a batch that fails while the step before it runs is reported when its turn comes
  pending.catch(() => undefined);
  for (;;) {
    const { progress } = used();
    if (progress >= 1) break;
    if (signal?.aborted) {
      if (checkpoint) await writeCheckpoint(checkpoint.path, trainer);
      throw new EdgeDistillError("INTERRUPTED", `Interrupted while running "${stage}" at step ${String(trainer.stepIndex)}`, {
        hint: checkpoint ? `Run the same command again to go on from ${checkpoint.path}.` : "Run the same command again.",
      });
    }
    const feeds = await pending;
    const running = trainer.run(feeds, schedule(progress));
    running.catch(() => undefined);
    pending = batch(trainer.stepIndex + 1);
    pending.catch(() => undefined);
    const metrics = await running;
    history.push(metrics);
    const loss = metrics["loss"] ?? NaN;
    lossMean = Number.isNaN(lossMean) ? loss : 0.95 * lossMean + 0.05 * loss;
    if (checkpoint && trainer.stepIndex % checkpoint.everySteps === 0) await writeCheckpoint(checkpoint.path, trainer);
    if (onProgress) {
      const now = used();
      const rate = (history.length * imagesPerStep) / now.wallSeconds;
      const left = now.progress > 0 ? (now.wallSeconds * (1 - now.progress)) / now.progress : 0;
      onProgress({
        stage,
        fraction: Math.min(1, now.progress),
        message: `step ${String(trainer.stepIndex)}, loss ${lossMean.toFixed(3)}, ${rate.toFixed(0)} images/s, ${Math.max(0, left).toFixed(0)} s left`,
      });
    }
  }
  await pending.catch(() => undefined);
  const { wallSeconds, cpuSeconds } = used();
  const steps = trainer.stepIndex - firstStep;
  return { steps, wallSeconds, cpuSeconds, imagesPerSecond: (steps * imagesPerStep) / wallSeconds, history };
}
