import { describe, expect, it } from "vitest";
import { createRng } from "../../src/base/index.js";
import { bootstrapInterval, pairedBootstrapInterval } from "../../src/evaluate/index.js";

describe("bootstrapInterval", () => {
  const rng = createRng("sample");
  const sample = Array.from({ length: 200 }, () => rng.normal(5, 2));

  it("agrees with the normal interval of a mean, and repeats by seed", () => {
    const interval = bootstrapInterval(sample, { seed: 3 });
    const mean = sample.reduce((a, b) => a + b, 0) / sample.length;
    const deviation = Math.sqrt(sample.reduce((s, v) => s + (v - mean) ** 2, 0) / sample.length);
    const half = (1.96 * deviation) / Math.sqrt(sample.length);
    expect(interval.value).toBeCloseTo(mean, 12);
    expect(interval.low).toBeGreaterThan(mean - 1.15 * half);
    expect(interval.low).toBeLessThan(mean - 0.85 * half);
    expect(interval.high).toBeGreaterThan(mean + 0.85 * half);
    expect(interval.high).toBeLessThan(mean + 1.15 * half);
    expect(bootstrapInterval(sample, { seed: 3 })).toEqual(interval);
    expect(bootstrapInterval(sample, { seed: 4 }).low).not.toBe(interval.low);
  });

  it("covers the truth about as often as it claims", () => {
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const draw = Array.from({ length: 40 }, () => rng.normal(0, 1));
      const { low, high } = bootstrapInterval(draw, {
        resamples: 300,
        seed: trial,
        confidence: 0.9,
      });
      if (low <= 0 && high >= 0) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.82);
    expect(covered / 200).toBeLessThan(0.96);
  });

  it("takes any statistic of any unit, and leaves out resamples without a value", () => {
    const units = [
      { hits: 1, of: 2 },
      { hits: 0, of: 0 },
      { hits: 3, of: 4 },
    ];
    const statistic = (list: readonly { hits: number; of: number }[]): number =>
      list.reduce((n, u) => n + u.hits, 0) / list.reduce((n, u) => n + u.of, 0);
    const interval = bootstrapInterval(units, { statistic, resamples: 500 });
    expect(interval.value).toBeCloseTo(4 / 6, 12);
    expect(interval.low).toBeGreaterThanOrEqual(0.5);
    expect(interval.high).toBeLessThanOrEqual(0.75);
  });

  it("narrows when pairs share what varies", () => {
    const noise = Array.from({ length: 5 }, () => rng.normal(0, 10));
    const ours = noise.map((v) => v + 1 + rng.normal(0, 0.1));
    const { value, low, high } = pairedBootstrapInterval(ours, noise);
    expect(value).toBeCloseTo(1, 0);
    expect(low).toBeGreaterThan(0.7);
    expect(high).toBeLessThan(1.3);
  });

  it("refuses nothing, and what does not pair", () => {
    expect(() => bootstrapInterval([])).toThrow(
      expect.objectContaining({ code: "EVALUATE_MISMATCH" }),
    );
    expect(() => pairedBootstrapInterval([1, 2], [1])).toThrow(
      expect.objectContaining({ code: "EVALUATE_MISMATCH" }),
    );
  });
});
