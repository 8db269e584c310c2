import { STAGES, type Stage, type StagesMs } from "./frame.js";

/** Frames that percentiles are taken over: the last ones. */
const WINDOW = 512;

/** Percentiles of one stage over the last frames, in ms; NaN before the first. */
export interface StageSummary {
  p50: number;
  p95: number;
  p99: number;
}

/** How long the last frames spent in each stage. */
export class StageTimes {
  readonly #columns = Object.fromEntries(
    STAGES.map((stage) => [stage, new Float64Array(WINDOW)]),
  ) as Record<Stage, Float64Array>;
  #count = 0;

  add(stages: StagesMs): void {
    const at = this.#count++ % WINDOW;
    for (const stage of STAGES) this.#columns[stage][at] = stages[stage];
  }

  summary(): Record<Stage, StageSummary> {
    const filled = Math.min(this.#count, WINDOW);
    const summarize = (stage: Stage): StageSummary => {
      const sorted = this.#columns[stage].slice(0, filled).sort();
      const percentile = (share: number): number =>
        sorted[Math.max(0, Math.ceil(share * filled) - 1)] ?? NaN;
      return { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
    };
    return Object.fromEntries(STAGES.map((stage) => [stage, summarize(stage)])) as Record<
      Stage,
      StageSummary
    >;
  }
}
