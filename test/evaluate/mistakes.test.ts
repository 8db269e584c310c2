import { describe, expect, it } from "vitest";
import { judgeImages, worstImages } from "../../src/evaluate/index.js";
import { detectionsOf, truthsOf } from "./boxes.js";

describe("judgeImages", () => {
  const truths = [
    truthsOf([
      [1, 0, 0, 10, 10],
      [0, 30, 30, 50, 50],
    ]),
    truthsOf([[0, 0, 0, 10, 10]]),
    truthsOf([]),
  ];
  const found = [
    detectionsOf([
      [0, 30, 30, 50, 49, 0.9],
      [0, 30, 30, 50, 50, 0.8], // the object is taken
      [0, 0, 0, 10, 10, 0.7], // wrong class
      [1, 0, 0, 10, 10, 0.1],
    ]),
    detectionsOf([[0, 0, 0, 10, 10, 0.9]]),
    detectionsOf([[1, 5, 5, 9, 9, 0.95]]),
  ];

  it("tells right from wrong by row, and found from missed", () => {
    const [first, second, third] = judgeImages(truths, found, {
      classCount: 2,
      scoreThreshold: 0.5,
    });
    expect(first?.detections).toEqual(["correct", "wrong", "wrong", "ignored"]);
    expect(first?.found).toEqual([false, true]);
    expect(first?.badness).toBeCloseTo(0.8 + 0.7 + 1, 6);
    expect(second).toMatchObject({ detections: ["correct"], found: [true], badness: 0 });
    expect(third?.detections).toEqual(["wrong"]);
  });

  it("puts the worst first and leaves out what has no mistake", () => {
    const outcomes = judgeImages(truths, found, { classCount: 2 });
    expect(worstImages(outcomes, 9).map(({ image }) => image)).toEqual([0, 2]);
    expect(worstImages(outcomes, 1)).toHaveLength(1);
  });

  it("holds nothing against detections on a crowd", () => {
    const crowd = [{ classId: 0, box: { xMin: 0, yMin: 0, xMax: 100, yMax: 100 }, crowd: true }];
    const [outcome] = judgeImages([crowd], [detectionsOf([[0, 10, 10, 20, 20, 0.9]])], {
      classCount: 1,
    });
    expect(outcome).toMatchObject({ detections: ["ignored"], badness: 0 });
  });
});
