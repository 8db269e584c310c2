/** Learning rate over the share of the budget that is used, in [0, 1]. */
export type Schedule = (progress: number) => number;

/** Linear warm-up, then half a cosine down to `floor` times the peak. */
export function warmupCosine({
  peak,
  warmup = 0.05,
  floor = 0.02,
}: {
  peak: number;
  warmup?: number;
  floor?: number;
}): Schedule {
  return (progress) => {
    if (progress < warmup) return peak * Math.max(0.02, progress / warmup);
    const t = Math.min(1, (progress - warmup) / (1 - warmup));
    return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * t))) / 2);
  };
}

/** The same rate throughout. */
export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;
