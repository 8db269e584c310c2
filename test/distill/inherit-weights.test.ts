import { describe, expect, it } from "vitest";
import { inheritWeights } from "../../src/distill/index.js";
import { float32 } from "../../src/tensor/index.js";
import type { TrainingStep } from "../../src/train/index.js";

const spec = (name: string, dims: readonly number[]) => ({ name, dims, offset: 0 });
const wanted = (specs: ReturnType<typeof spec>[]) =>
  ({
    parameters: { specs, length: 0 },
    buffers: { specs: [], length: 0 },
  }) as unknown as Pick<TrainingStep, "parameters" | "buffers">;

describe("inheritWeights", () => {
  it("cuts the leading channels out of every axis", () => {
    // w[o][i][k] = 100 o + 10 i + k
    const wide = float32(
      [3, 4, 2],
      Float32Array.from({ length: 24 }, (_, at) => {
        const o = Math.floor(at / 8);
        const i = Math.floor((at % 8) / 2);
        return 100 * o + 10 * i + (at % 2);
      }),
    );
    const cut = inheritWeights(new Map([["w", wide]]), wanted([spec("w", [2, 3, 2])])).get("w");
    expect(cut?.dims).toEqual([2, 3, 2]);
    expect([...(cut?.data ?? [])]).toEqual([0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]);
  });

  it("copies a tensor of equal shape whole", () => {
    const same = float32([2, 2], Float32Array.of(1, 2, 3, 4));
    const cut = inheritWeights(new Map([["w", same]]), wanted([spec("w", [2, 2])])).get("w");
    expect([...(cut?.data ?? [])]).toEqual([1, 2, 3, 4]);
    expect(cut?.data).not.toBe(same.data);
  });

  it("leaves out what the teacher lacks, has narrower, or has with other axes", () => {
    const w = float32([2, 2], new Float32Array(4));
    const teacher = new Map([
      ["narrow", w],
      ["flat", w],
    ]);
    const cut = inheritWeights(
      teacher,
      wanted([spec("narrow", [3, 2]), spec("flat", [2, 2, 1]), spec("absent", [1])]),
    );
    expect(cut.size).toBe(0);
  });
});
