import { describe, expect, it } from "vitest";
import { renderLineFrame } from "../../src/data/index.js";
import {
  detectByThreshold,
  evaluateDetections,
  tuneThresholdBaseline,
  type LabelledPicture,
} from "../../src/evaluate/index.js";

/** A bright plate on black with a dark square (class 0) and a bright bar (class 1) where the labels say. */
function plate(shift: number): LabelledPicture {
  const [widthPx, heightPx] = [256, 192];
  const pixels = new Uint8Array(widthPx * heightPx * 3).fill(20);
  const fill = (x0: number, y0: number, x1: number, y1: number, v: number): void => {
    for (let y = y0; y < y1; y++) pixels.fill(v, (y * widthPx + x0) * 3, (y * widthPx + x1) * 3);
  };
  fill(20, 20, 236, 172, 150);
  const square = { xMin: 50 + shift, yMin: 60, xMax: 62 + shift, yMax: 72 };
  const bar = { xMin: 120, yMin: 100 + shift, xMax: 160, yMax: 104 + shift };
  fill(square.xMin, square.yMin, square.xMax, square.yMax, 90);
  fill(bar.xMin, bar.yMin, bar.xMax, bar.yMax, 220);
  return {
    pixels,
    widthPx,
    heightPx,
    annotations: [
      { classId: 0, box: square },
      { classId: 1, box: bar },
    ],
  };
}

const map50 = (
  pictures: readonly LabelledPicture[],
  baseline: ReturnType<typeof tuneThresholdBaseline>,
  classCount: number,
): number =>
  evaluateDetections(
    pictures.map((p) => p.annotations),
    pictures.map((p) => detectByThreshold(p, baseline)),
    { classCount, iouThresholds: [0.5] },
  ).map50;

describe("threshold baseline", () => {
  it("finds plain marks on a plain plate, each in its class", () => {
    const baseline = tuneThresholdBaseline([0, 7, 13].map(plate), { classCount: 2 });
    expect(map50([3, 10, 17].map(plate), baseline, 2)).toBeGreaterThan(0.9);
  });

  it("finds something on the line set and stays under 0.4", () => {
    const frames = (from: number, count: number): LabelledPicture[] =>
      Array.from({ length: count }, (_, i) => renderLineFrame({ seed: 11, index: from + i }));
    const baseline = tuneThresholdBaseline(frames(0, 24), { classCount: 3 });
    const found = map50(frames(100, 60), baseline, 3);
    expect(found).toBeGreaterThan(0.02);
    expect(found).toBeLessThan(0.4);
  });
});
