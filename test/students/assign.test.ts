import { describe, expect, it } from "vitest";
import { anchorGrid, assignTargets, emptyTargets } from "../../src/students/index.js";

const grid = anchorGrid({ widthPx: 256, heightPx: 192 });

describe("anchorGrid", () => {
  it("lays one cell a stride-square on three levels", () => {
    expect(grid.count).toBe(32 * 24 + 16 * 12 + 8 * 6);
    expect([...grid.centers.subarray(0, 4)]).toEqual([4, 4, 12, 4]);
    const level16 = grid.levels[1];
    expect([grid.centers[2 * (level16?.offset ?? 0)], grid.strides[level16?.offset ?? 0]]).toEqual([
      8, 16,
    ]);
  });
});

describe("assignTargets", () => {
  const box = { xMin: 100, yMin: 60, xMax: 116, yMax: 76 };

  it("makes the cells around a small box's centre positive on the finest level only", () => {
    const targets = emptyTargets(2, grid, 3);
    assignTargets(targets, 1, [{ classId: 2, box }], grid, 3);
    const positives = [...targets.positive.keys()].filter((a) => targets.positive[a] === 1);
    expect(positives.length).toBeGreaterThan(0);
    for (const a of positives) {
      const cell = a - grid.count;
      expect(cell).toBeGreaterThanOrEqual(0);
      expect(grid.strides[cell]).toBe(8);
      const x = grid.centers[2 * cell] ?? NaN;
      const y = grid.centers[2 * cell + 1] ?? NaN;
      const [left, top, right, bottom] = targets.distances.subarray(4 * a, 4 * a + 4);
      expect([
        x - 8 * (left ?? 0),
        y - 8 * (top ?? 0),
        x + 8 * (right ?? 0),
        y + 8 * (bottom ?? 0),
      ]).toEqual([100, 60, 116, 76]);
      expect([...targets.classes.subarray(3 * a, 3 * a + 3)]).toEqual([0, 0, 1]);
    }
  });

  it("gives every box at least one cell, however small or close to the border", () => {
    for (const tiny of [
      { xMin: 0, yMin: 0, xMax: 2, yMax: 2 },
      { xMin: 254, yMin: 190, xMax: 256, yMax: 192 },
      { xMin: 0, yMin: 0, xMax: 256, yMax: 192 },
    ]) {
      const targets = emptyTargets(1, grid, 1);
      assignTargets(targets, 0, [{ classId: 0, box: tiny }], grid, 1);
      expect(targets.positive.reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
      expect(
        Math.min(...targets.distances.filter((_, i) => targets.positive[i >> 2] === 1)),
      ).toBeGreaterThan(0);
    }
  });

  it("leaves a shared cell to the smaller box", () => {
    const targets = emptyTargets(1, grid, 2);
    const large = { xMin: 80, yMin: 40, xMax: 136, yMax: 96 };
    assignTargets(
      targets,
      0,
      [
        { classId: 1, box },
        { classId: 0, box: large },
      ],
      grid,
      2,
    );
    const cell = 8 * 32 + 13; // centre (108, 68), the centre of both
    expect([...targets.classes.subarray(2 * cell, 2 * cell + 2)]).toEqual([0, 1]);
  });
});
