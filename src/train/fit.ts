import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { EdgeDistillError, type OnProgress } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import { readCheckpoint, writeCheckpoint, type Spent } from "./checkpoint.js";
import type { Schedule } from "./schedule.js";
import type { StepMetrics, Trainer } from "./trainer.js";

/** When a fit ends: by steps (counted from the trainer's first), by wall seconds, or by CPU seconds of this process, whichever comes first. */
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
  checkpoint?: CheckpointPolicy;
}

/** Written every so many steps and when interrupted; removed when the fit is done, unless kept. */
export interface CheckpointPolicy {
  path: string;
  everySteps: number;
  /** Go on from the file if there is one: the same steps on the same batches as without the interruption. */
  resume?: boolean;
  /** Write the file at the end too, so that a job of several fits that is started again passes this one by. */
  keep?: boolean;
  /** Names the run; a file of another run is refused. */
  key?: string;
}

export interface FitResult {
  steps: number;
  wallSeconds: number;
  /** User and system time of the whole process meanwhile, every thread counted; like `wallSeconds` over interruptions. */
  cpuSeconds: number;
  imagesPerSecond: number;
  /** One entry a step, over interruptions. */
  history: readonly StepMetrics[];
}

/** CPU seconds that this process has used so far, all threads. */
export function cpuSecondsUsed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Trains until the budget is used up.
 * @throws TRAIN_DIVERGED; INTERRUPTED after the checkpoint is written; CHECKPOINT_CORRUPT when the file to go on from is
 * damaged or of another run
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
  const { spent, history } = await resumed(trainer, checkpoint);
  const wallStart = performance.now() - spent.wallSeconds * 1000;
  const cpuStart = cpuSecondsUsed() - spent.cpuSeconds;
  const stepsBefore = history.length;
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
  const save = async (): Promise<void> => {
    if (!checkpoint) return;
    const { wallSeconds, cpuSeconds } = used();
    const { path, key = "" } = checkpoint;
    await writeCheckpoint(path, trainer, { key, spent: { wallSeconds, cpuSeconds }, history });
  };
  const imagesPerSecond = (wallSeconds: number): number =>
    ((history.length - stepsBefore) * imagesPerStep) / (wallSeconds - spent.wallSeconds);
  let lossMean = NaN;
  let pending = batch(trainer.stepIndex);
  // a batch that fails while the step before it runs is reported when its turn comes
  pending.catch(() => undefined);
  for (;;) {
    const { progress } = used();
    if (progress >= 1) break;
    if (signal?.aborted) {
      await save();
      throw new EdgeDistillError(
        "INTERRUPTED",
        `Interrupted while running "${stage}" at step ${String(trainer.stepIndex)}`,
        {
          hint: checkpoint
            ? `Run the same command again to go on from ${checkpoint.path}.`
            : "Run the same command again.",
        },
      );
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
    if (checkpoint && trainer.stepIndex % checkpoint.everySteps === 0) await save();
    if (onProgress) {
      const now = used();
      const rate = imagesPerSecond(now.wallSeconds);
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
  if (checkpoint?.keep) await save();
  else if (checkpoint) await rm(checkpoint.path, { force: true });
  return {
    steps: history.length,
    wallSeconds,
    cpuSeconds,
    imagesPerSecond: imagesPerSecond(wallSeconds),
    history,
  };
}

/** Puts the trainer where the checkpoint stopped, if there is one to go on from. */
async function resumed(
  trainer: Trainer,
  checkpoint: CheckpointPolicy | undefined,
): Promise<{ spent: Spent; history: StepMetrics[] }> {
  if (!checkpoint?.resume || !existsSync(checkpoint.path))
    return { spent: { wallSeconds: 0, cpuSeconds: 0 }, history: [] };
  const { path, key = "" } = checkpoint;
  const { state, stepIndex, spent, history } = await readCheckpoint(path, trainer.step.model, {
    key,
  });
  trainer.load({ state, stepIndex });
  return { spent, history: [...history] };
}
