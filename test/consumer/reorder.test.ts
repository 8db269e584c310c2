import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reorder } from "../../src/consumer/reorder.js";
import { SequenceSet } from "../../src/consumer/sequence-set.js";

function lane({ maxHeld = 1000, from = 1 }: { maxHeld?: number; from?: number } = {}) {
  const released: number[] = [];
  const set = new SequenceSet({ from });
  const reorder = new Reorder<number>({
    windowMs: 1000,
    maxHeld,
    release: (item) => released.push(item),
  });
  const enter = (sequence: number): void => {
    const expected = set.firstMissing;
    if (set.add(sequence)) reorder.enter("lane", sequence, expected, sequence);
  };
  return { released, reorder, enter };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the reordering", () => {
  it("restores any order without a gap", () => {
    const orders = fc.integer({ min: 1, max: 40 }).chain((n) =>
      fc.shuffledSubarray(
        Array.from({ length: n }, (_, i) => i + 1),
        { minLength: n, maxLength: n },
      ),
    );
    fc.assert(
      fc.property(orders, (order) => {
        const { released, reorder, enter } = lane();
        for (const sequence of order) enter(sequence);
        expect(released).toEqual([...order].sort((a, b) => a - b));
        expect(reorder.held).toBe(0);
        reorder.close();
      }),
    );
  });

  it("releases everything once, whatever is missing, when the window has passed", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 60 }), (numbers) => {
        const { released, reorder, enter } = lane();
        for (const sequence of numbers) enter(sequence);
        vi.advanceTimersByTime(60_000);
        expect([...released].sort((a, b) => a - b)).toEqual(
          [...new Set(numbers)].sort((a, b) => a - b),
        );
        expect(reorder.held).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  it("passes a gap over after the window, and takes the late one late", () => {
    const { released, enter } = lane();
    for (const sequence of [1, 3, 4]) enter(sequence);
    expect(released).toEqual([1]);
    vi.advanceTimersByTime(999);
    expect(released).toEqual([1]);
    vi.advanceTimersByTime(1);
    expect(released).toEqual([1, 3, 4]);
    for (const sequence of [5, 2, 6]) enter(sequence);
    expect(released).toEqual([1, 3, 4, 5, 2, 6]);
  });

  it("holds no more than it may", () => {
    const { released, enter } = lane({ maxHeld: 3 });
    for (const sequence of [1, 3, 4, 5, 6]) enter(sequence);
    expect(released).toEqual([1, 3, 4, 5, 6]);
  });
});
