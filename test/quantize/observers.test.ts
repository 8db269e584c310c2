import { describe, expect, it } from "vitest";
import { TensorHistogram, OBSERVERS, type CalibrationPreset } from "../../src/quantize/index.js";
import { clippingDivergence, entropyCut } from "../../src/quantize/entropy.kernel.js";
import {
  asymmetricGrid,
  gridError,
  symmetricGrid,
} from "../../src/quantize/squared-error.kernel.js";
import { silu } from "../../src/quantize/residual.js";
import { createRng } from "../../src/base/index.js";

const preset: CalibrationPreset = {
  id: "test",
  method: "minmax",
  sampleCount: 8,
  seed: 1,
  activations: "per-tensor",
  weights: "per-channel",
};

function histogram(values: readonly number[], bins = 8): TensorHistogram {
  const h = new TensorHistogram(bins);
  h.add(Float32Array.from(values), [values.length]);
  return h;
}

describe("tensor histogram", () => {
  it("counts by bins of limit / bins on both sides of zero", () => {
    // limit 4, bin width 0.5: 0.1 → +0, 0.6 → +1, 3.9 → +7, -0.1 → -0, -1.2 → -2, 0 → no bin
    const h = histogram([0.1, 0.6, 3.9, -0.1, -1.2, 0]);
    expect(h.limit).toBe(4);
    expect(h.binWidth).toBe(0.5);
    expect(Array.from(h.counts)).toEqual([0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1]);
    expect([h.min, h.max]).toEqual([Math.fround(-1.2), Math.fround(3.9)]);
    expect([h.total, h.zeros]).toEqual([6, 1]);
  });

  it("does not depend on the order in which tensors come", () => {
    const rng = createRng("histogram");
    const parts = Array.from({ length: 5 }, (_, i) =>
      Float32Array.from({ length: 100 }, () => rng.normal(0, 3 ** i)),
    );
    const one = new TensorHistogram(64);
    const other = new TensorHistogram(64);
    for (const p of parts) one.add(p, [100]);
    for (const p of [...parts].reverse()) other.add(p, [100]);
    expect(one.counts).toEqual(other.counts);
    expect(one.limit).toBe(other.limit);
  });

  it("keeps channel means of [N, C, H, W] and sees what is not finite", () => {
    const h = new TensorHistogram(8);
    h.add(Float32Array.of(1, 3, -1, -1, 5, 7, 0, 2), [2, 2, 2]);
    expect(Array.from(h.channelSums ?? [])).toEqual([16, 0]);
    expect(h.channelTotal).toBe(4);
    h.add(Float32Array.of(NaN, 1, Infinity, 1), [1, 2, 2]);
    expect(h.nonFinite).toBe(2);
    expect(h.total).toBe(10);
  });

  it("takes a tensor of zeros", () => {
    const h = histogram([0, 0]);
    expect(h.limit).toBe(0);
    for (const observer of Object.values(OBSERVERS)) {
      expect(observer.limit(h, preset)).toBe(0);
      const { min, max } = observer.range(h, preset);
      expect([Math.abs(min), Math.abs(max)]).toEqual([0, 0]);
    }
  });
});

describe("observers", () => {
  it("minmax: what was seen", () => {
    const h = histogram([-3, 1, 2]);
    expect(OBSERVERS.minmax.range(h, preset)).toEqual({ min: -3, max: 2 });
    expect(OBSERVERS.minmax.limit(h, preset)).toBe(3);
  });

  it("percentile: half of what is clipped at each end", () => {
    // 10 values, 80 %: one at each end may go
    const h = histogram([-4, -1, -1, -1, -1, 1, 1, 1, 1, 4]);
    const at80 = { ...preset, percentile: 80 };
    // limit 4, bin width 0.5: what remains ends in the bins [-1.5, -1) and [1, 1.5)
    expect(OBSERVERS.percentile.range(h, at80)).toEqual({ min: -1.5, max: 1.5 });
    expect(OBSERVERS.percentile.limit(h, at80)).toBe(1.5);
    expect(OBSERVERS.percentile.range(h, { ...preset, percentile: 100 })).toEqual({
      min: -4,
      max: 4,
    });
  });

  it("percentile: all of it at one end when nothing is negative", () => {
    const h = histogram([0, 0, 0, 1, 1, 1, 1, 1, 4, 4]);
    expect(OBSERVERS.percentile.range(h, { ...preset, percentile: 80 })).toEqual({
      min: 0,
      max: 1.5,
    });
    expect(OBSERVERS.percentile.range(h, { ...preset, percentile: 99 })).toEqual({
      min: 0,
      max: 4,
    });
  });

  it("entropy: divergence of a hand-made histogram", () => {
    // cut 2 to one level: P = (3, 1 + 4) / 8, Q = (2, 2) / 4
    const counts = Float64Array.of(3, 1, 4);
    const expected = (3 / 8) * Math.log(3 / 8 / 0.5) + (5 / 8) * Math.log(5 / 8 / 0.5);
    expect(clippingDivergence(counts, 2, 1)).toBeCloseTo(expected, 12);
    // one level per bin and nothing clipped: nothing lost
    expect(clippingDivergence(counts, 3, 3)).toBeCloseTo(0, 12);
    expect(clippingDivergence(Float64Array.of(0, 0, 4), 2, 2)).toBe(Infinity);
  });

  it("entropy: cuts a thin tail, keeps a flat histogram", () => {
    const flat = new Float64Array(1024).fill(10);
    expect(entropyCut(flat, 128)).toBe(1024);
    const tailed = new Float64Array(1024);
    for (let i = 0; i < 1024; i++) tailed[i] = Math.round(1e6 * Math.exp(-i / 24));
    tailed[1023] = 1;
    const cut = entropyCut(tailed, 128);
    // 1023 bins hold something; beyond bin 350 lies less than one value in a million
    expect(cut).toBeGreaterThan(128);
    expect(cut).toBeLessThan(400);
    // no more bins than levels: there is nothing to gain
    expect(entropyCut(Float64Array.of(1, 2, 3, 0), 128)).toBe(3);
  });

  it("mse: error of a hand-made grid", () => {
    // bin width 0.5, centers 0.25 and 1.25; grid of step 1 around 0: 0.25 → 0, 1.25 → 1
    const h = histogram([0.1, 0.3, 1.1, 3.9]);
    const error = gridError(h, { scale: 1, zeroPoint: 0, low: 0, high: 2 });
    // 3.75 is clipped to 2
    expect(error).toBeCloseTo(2 * 0.25 ** 2 + 0.25 ** 2 + 1.75 ** 2, 10);
  });

  it("mse: gives up an outlier for the many, never for the few", () => {
    const many = new Float32Array(100_000);
    const rng = createRng("mse");
    for (let i = 0; i < many.length; i++) many[i] = Math.abs(rng.normal());
    many[0] = 60;
    const h = new TensorHistogram(2048);
    h.add(many, [many.length]);
    const { min, max } = OBSERVERS.mse.range(h, preset);
    expect(min).toBe(0);
    expect(max).toBeGreaterThan(3);
    expect(max).toBeLessThan(60);
    expect(gridError(h, asymmetricGrid(min, max))).toBeLessThan(
      gridError(h, asymmetricGrid(0, 60)),
    );
    const few = histogram([1, 1, 8, 8], 2048);
    // values sit in the middle of their bin, 8 is clamped to what was seen
    expect(OBSERVERS.mse.limit(few, preset)).toBeGreaterThan(7.5);
  });

  it("mse: lets go of what the activation function makes nothing of", () => {
    const values = new Float32Array(20_000);
    const rng = createRng("silu");
    for (let i = 0; i < values.length; i++) values[i] = rng.uniform(-100, 10);
    const h = new TensorHistogram(4096);
    h.add(values, [values.length]);
    const plain = OBSERVERS.mse.range(h, preset);
    const aware = OBSERVERS.mse.range(h, preset, silu);
    expect(plain.min).toBeLessThan(-90);
    // silu(-12) is -0.00007, silu(-5) is -0.03
    expect(aware.min).toBeGreaterThan(-12);
    expect(aware.min).toBeLessThan(-4);
    expect(aware.max).toBeGreaterThan(9);
    const after = (range: { min: number; max: number }) =>
      gridError(h, asymmetricGrid(range.min, range.max), silu);
    expect(after(aware)).toBeLessThan(after(plain) / 10);
  });

  it("stay within what was seen", () => {
    const rng = createRng("within");
    for (let round = 0; round < 20; round++) {
      const shift = rng.uniform(-2, 2);
      const values = Float32Array.from({ length: 500 }, () => rng.normal(shift, 1) ** 3);
      const h = new TensorHistogram(512);
      h.add(values, [values.length]);
      for (const observer of Object.values(OBSERVERS)) {
        const { min, max } = observer.range(h, { ...preset, percentile: 99 });
        expect(min).toBeGreaterThanOrEqual(Math.min(0, h.min) - 1e-9);
        expect(max).toBeLessThanOrEqual(Math.max(0, h.max) + 1e-9);
        expect(observer.limit(h, { ...preset, percentile: 99 })).toBeLessThanOrEqual(
          Math.max(-h.min, h.max) + 1e-9,
        );
      }
    }
  });

  it("grids represent zero exactly", () => {
    expect(asymmetricGrid(0, 25.5)).toMatchObject({ zeroPoint: 0, low: 0, high: 255 });
    expect(asymmetricGrid(0, 25.5).scale).toBeCloseTo(0.1, 12);
    expect(asymmetricGrid(-1, 1)).toMatchObject({ zeroPoint: 128 });
    expect(asymmetricGrid(2, 5.1)).toMatchObject({ scale: 5.1 / 255, zeroPoint: 0 });
    expect(symmetricGrid(12.7)).toMatchObject({ zeroPoint: 0, low: -127, high: 127 });
    expect(symmetricGrid(12.7).scale).toBeCloseTo(0.1, 12);
  });
});
