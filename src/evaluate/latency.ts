import { throwIfAborted, type OnProgress } from "../base/index.js";
import type { EngineSession } from "../engine/index.js";
import type { HostTensor } from "../tensor/index.js";
import { quantile } from "./bootstrap.js";

/** Time of one call, over many. */
export interface Latency {
  runs: number;
  medianMs: number;
  p95Ms: number;
  meanMs: number;
  minMs: number;
}

export interface LatencyOptions {
  /** Calls that are not counted: the first ones allocate. */
  warmup?: number;
  runs?: number;
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/** A session to time, with what it is fed. */
export interface TimedSession {
  /** What the figures are about; only `run` is called. */
  session: Pick<EngineSession, "run">;
  feeds: Record<string, HostTensor>;
}

/**
 * Time from the call of `run` to its outputs, one at a time.
 * @throws INTERRUPTED, and what the session throws
 */
export async function measureLatency(
  session: TimedSession["session"],
  feeds: TimedSession["feeds"],
  options: LatencyOptions = {},
): Promise<Latency> {
  const { session: latency } = await measureInterleaved({ session: { session, feeds } }, options);
  return latency;
}

/**
 * Times several sessions in turn, one call each a round, so that what else happens on the machine meets them alike and
 * ratios are fair. Each round starts with another one.
 * @returns by the same keys
 * @throws INTERRUPTED, and what the sessions throw
 */
export async function measureInterleaved<K extends string>(
  sessions: Readonly<Record<K, TimedSession>>,
  { warmup = 3, runs = 20, signal, onProgress }: LatencyOptions = {},
): Promise<Record<K, Latency>> {
  const entries = Object.entries<TimedSession>(sessions).map(([key, timed]) => ({
    key: key as K,
    ...timed,
    timesMs: [] as number[],
  }));
  for (let round = -warmup; round < runs; round++) {
    for (let i = 0; i < entries.length; i++) {
      throwIfAborted(signal, "measuring latency");
      const entry = entries[(i + round + warmup) % entries.length];
      if (entry === undefined) continue;
      const start = performance.now();
      await entry.session.run(entry.feeds);
      if (round >= 0) entry.timesMs.push(performance.now() - start);
    }
    onProgress?.({ stage: "latency", fraction: (round + warmup + 1) / (runs + warmup) });
  }
  const result = entries.map(({ key, timesMs }) => [key, summarizeTimes(timesMs)] as const);
  return Object.fromEntries(result) as Record<K, Latency>;
}

/** @param timesMs in any order */
export function summarizeTimes(timesMs: readonly number[]): Latency {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return {
    runs: sorted.length,
    medianMs: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    meanMs: sorted.reduce((sum, t) => sum + t, 0) / sorted.length,
    minMs: sorted[0] ?? NaN,
  };
}
