import { describe, expect, it } from "vitest";
import { fromFloat16Bits, int64, tensor, toFloat16Bits } from "../../src/tensor/index.js";

describe("float16", () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65520, 0x7c00],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [Infinity, 0x7c00],
  ])("%d is 0x%s", (value, bits) => {
    expect(toFloat16Bits(value)).toBe(bits);
  });

  it("gives every finite pattern back", () => {
    for (let bits = 0; bits < 0x7c00; bits++)
      expect(toFloat16Bits(fromFloat16Bits(bits))).toBe(bits);
    expect(fromFloat16Bits(0x7e00)).toBeNaN();
  });
});

describe("tensor", () => {
  it("refuses data that does not fill the shape", () => {
    expect(() => tensor("float32", [2, 3], new Float32Array(5))).toThrow(
      expect.objectContaining({ code: "TENSOR_SHAPE" }),
    );
    expect(int64([3, -1]).data).toEqual(BigInt64Array.of(3n, -1n));
  });
});
