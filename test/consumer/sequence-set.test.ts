import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SequenceSet } from "../../src/consumer/sequence-set.js";

describe("a sequence set", () => {
  it("agrees with a plain set: what is new, and what is missing", () => {
    const input = fc.record({
      numbers: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120 }),
      from: fc.option(fc.constant(1), { nil: undefined }),
      upTo: fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(input, ({ numbers, from, upTo }) => {
        const set = new SequenceSet(from === undefined ? {} : { from });
        const model = new Set<number>();
        for (const number of numbers) {
          expect(set.add(number)).toBe(!model.has(number));
          model.add(number);
          expect(set.has(number)).toBe(true);
          expect(set.has(number + 1)).toBe(model.has(number + 1));
        }
        if (upTo !== undefined) set.expectUpTo(upTo);
        const first = from ?? Math.min(...model);
        const last = Math.max(upTo ?? 0, ...model);
        const missing = [];
        for (let number = first; number <= last; number++)
          if (!model.has(number)) missing.push(number);
        expect(set.missing).toBe(missing.length);
        const listed = set
          .missingRanges()
          .flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, i) => a + i));
        expect(listed).toEqual(missing);
      }),
      { numRuns: 500 },
    );
  });

  it("counts what is missing from the start when nothing came", () => {
    const set = new SequenceSet({ from: 1 });
    expect(set.missing).toBe(0);
    set.expectUpTo(7);
    expect(set.missingRanges()).toEqual([[1, 7]]);
    const joinedLate = new SequenceSet();
    joinedLate.expectUpTo(7);
    expect(joinedLate.missing).toBe(0);
  });

  it("writes the oldest holes off when there are too many, and still counts them", () => {
    const set = new SequenceSet({ from: 1, maxHoles: 3 });
    for (let number = 1; number <= 21; number += 2) set.add(number);
    expect(set.missing).toBe(10);
    expect(set.missingRanges()).toEqual([
      [16, 16],
      [18, 18],
      [20, 20],
    ]);
    expect(set.add(2)).toBe(false);
  });
});
