import { describe, expect, it } from "vitest";
import {
  countByClass,
  splitByGroup,
  takeLabelled,
  withoutLabels,
  type Annotation,
  type Dataset,
} from "../../src/data/index.js";

const box = { xMin: 0, yMin: 0, xMax: 10, yMax: 10 };
const one = (classId: number): Annotation => ({ classId, box });

/** 60 images: class 0 in most, class 2 in three only; every fifth without labels. */
function unbalanced(): Dataset {
  return {
    name: "unbalanced",
    classes: ["a", "b", "c"],
    images: Array.from({ length: 60 }, (_, i) => ({
      id: String(i),
      path: `${String(i)}.png`,
      widthPx: 20,
      heightPx: 20,
      group: `g${String(i % 7)}`,
      ...(i % 5 === 0
        ? {}
        : {
            annotations:
              i === 11 || i === 23 || i === 47 ? [one(2)] : i % 3 === 0 ? [one(1)] : [one(0)],
          }),
    })),
  };
}

describe("splitByGroup", () => {
  it("keeps every group on one side and loses no image", () => {
    const { first, second } = splitByGroup(unbalanced(), { fraction: 0.3, seed: 4 });
    const sides = [first, second].map((d) => new Set(d.images.map((i) => i.group)));
    for (const group of sides[0] ?? []) expect(sides[1]?.has(group)).toBe(false);
    expect(first.images.length + second.images.length).toBe(60);
    expect(Math.abs(first.images.length - 18)).toBeLessThanOrEqual(9);
  });

  it("deals the same groups for the same seed, others for another", () => {
    const ids = (seed: number): string =>
      splitByGroup(unbalanced(), { seed })
        .first.images.map((i) => i.id)
        .join();
    expect(ids(1)).toBe(ids(1));
    expect(new Set([1, 2, 3, 4].map(ids)).size).toBeGreaterThan(1);
  });
});

describe("takeLabelled", () => {
  it("serves the rarest class first", () => {
    const taken = takeLabelled(unbalanced(), 9, 1);
    expect(countByClass(taken)).toEqual([3, 3, 3]);
    expect(taken.images.every((i) => i.annotations !== undefined)).toBe(true);
  });

  it("repeats by seed, and differs between seeds", () => {
    const ids = (seed: number): string =>
      takeLabelled(unbalanced(), 6, seed)
        .images.map((i) => i.id)
        .join();
    expect(ids(5)).toBe(ids(5));
    expect(ids(5)).not.toBe(ids(6));
  });

  it("throws DATA_TOO_FEW when there are fewer labelled images", () => {
    expect(() => takeLabelled(unbalanced(), 49)).toThrow(
      expect.objectContaining({
        code: "DATA_TOO_FEW",
        message: expect.stringContaining("48 labelled") as string,
      }),
    );
  });
});

it("withoutLabels leaves no annotation behind", () => {
  expect(withoutLabels(unbalanced()).images.some((i) => "annotations" in i)).toBe(false);
});
