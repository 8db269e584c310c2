import { describe, expect, it } from "vitest";
import { compareOutputs, compareTensors } from "../../src/evaluate/index.js";
import { float32, int64, tensor, toFloat16Array } from "../../src/tensor/index.js";

describe("compareTensors", () => {
  it("measures by hand-computed values", () => {
    const difference = compareTensors(float32([2], [3, 4]), float32([2], [3, 3]));
    expect(difference).toMatchObject({ maxAbs: 1, meanAbs: 0.5, relative: 0.2, nonFinite: 0 });
    expect(difference.cosine).toBeCloseTo(21 / (5 * Math.sqrt(18)), 12);
    expect(compareTensors(float32([2], [1, 0]), float32([2], [0, 1])).cosine).toBe(0);
    expect(compareTensors(float32([1], [0]), float32([1], [0]))).toMatchObject({
      relative: 0,
      cosine: 1,
    });
  });

  it("reads half floats and integers, and counts what is not finite", () => {
    const half = tensor("float16", [3], toFloat16Array([1, 2, 3]));
    expect(compareTensors(float32([3], [1, 2, 3]), half).maxAbs).toBe(0);
    expect(compareTensors(int64([5]), int64([7])).maxAbs).toBe(2);
    const odd = compareTensors(float32([3], [NaN, Infinity, 1]), float32([3], [NaN, 0, 1]));
    expect(odd).toMatchObject({ nonFinite: 1, maxAbs: 0 });
  });

  it("refuses other shapes, absent outputs and strings", () => {
    const mismatch = expect.objectContaining({ code: "EVALUATE_MISMATCH" }) as Error;
    expect(() => compareTensors(float32([2], [1, 2]), float32([1, 2], [1, 2]))).toThrow(mismatch);
    expect(() => compareOutputs({ y: float32([1], [1]) }, { z: float32([1], [1]) })).toThrow(
      mismatch,
    );
    const words = tensor("string", [1], ["a"]);
    expect(() => compareTensors(words, words)).toThrow(mismatch);
    expect(compareOutputs({ y: float32([1], [1]) }, { y: float32([1], [2]) })["y"]?.maxAbs).toBe(1);
  });
});
