import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { evaluateDeepPcb, evaluateDetections } from "../../src/evaluate/index.js";
import { byImage, detectionsOf, truthsOf, type XywhRow } from "./boxes.js";

interface Expected {
  map: number | null;
  mapAt: (number | null)[];
  classAp: (number | null)[][];
  curve: number[];
  areas: Record<string, { map: number | null; averageRecall: number | null }>;
  averageRecall: Record<"at1" | "at10" | "atMax", number | null>;
}

interface GoldenCase {
  name: string;
  images: number;
  classes: number;
  truths: XywhRow[];
  detections: XywhRow[];
  options: { iou_thresholds?: number[]; max_detections?: number };
  expected: Expected;
}

const golden = <T>(name: string): { source: string; cases: T[] } =>
  JSON.parse(readFileSync(`test/golden/${name}.json`, "utf8")) as { source: string; cases: T[] };

/** pycocotools has -1, the golden file null, and we NaN where there is nothing to ask for. */
function expectSame(actual: number, expected: number | null): void {
  if (expected === null) expect(actual).toBeNaN();
  else expect(Math.abs(actual - expected)).toBeLessThan(1e-9);
}

describe("evaluateDetections equals pycocotools", () => {
  const { source, cases } = golden<GoldenCase>("coco-map");

  it("is held to a file that pycocotools wrote", () => {
    expect(source).toContain("pycocotools 2.0");
    expect(cases.length).toBeGreaterThan(8);
  });

  test.each(cases)("$name", ({ images, classes, truths, detections, options, expected }) => {
    const metrics = evaluateDetections(
      byImage(truths, images).map((rows) =>
        rows.map(([, classId, x, y, w, h, crowd]) => ({
          classId,
          box: { xMin: x, yMin: y, xMax: x + w, yMax: y + h },
          crowd: crowd === 1,
        })),
      ),
      byImage(detections, images).map((rows) =>
        detectionsOf(rows.map(([, classId, x, y, w, h, s]) => [classId, x, y, x + w, y + h, s])),
      ),
      {
        classCount: classes,
        ...(options.iou_thresholds && { iouThresholds: options.iou_thresholds }),
        ...(options.max_detections !== undefined && { maxDetections: options.max_detections }),
      },
    );
    expectSame(metrics.map, expected.map);
    expect(metrics.mapAt).toHaveLength(expected.mapAt.length);
    metrics.mapAt.forEach((value, t) => {
      expectSame(value, expected.mapAt[t] ?? null);
    });
    metrics.classes.forEach(({ apAt }, k) => {
      expected.classAp[k]?.forEach((ap, t) => {
        expectSame(apAt[t] ?? NaN, ap);
      });
    });
    const curve = metrics.classes[0]?.curve?.precision;
    if (curve) curve.forEach((p, r) => expect(p).toBeCloseTo(expected.curve[r] ?? NaN, 9));
    else expect(expected.curve.every((p) => p === -1)).toBe(true);
    for (const { name, map, averageRecall } of metrics.areas) {
      expectSame(map, expected.areas[name]?.map ?? null);
      expectSame(averageRecall, expected.areas[name]?.averageRecall ?? null);
    }
    expectSame(metrics.averageRecall.at1, expected.averageRecall.at1);
    expectSame(metrics.averageRecall.at10, expected.averageRecall.at10);
    expectSame(metrics.averageRecall.atMax, expected.averageRecall.atMax);
    if (!options.iou_thresholds) expectSame(metrics.map50, expected.mapAt[0] ?? null);
  });
});

describe("evaluateDetections by hand", () => {
  const truths = [
    truthsOf([
      [0, 0, 0, 10, 10],
      [0, 50, 50, 60, 60],
    ]),
    truthsOf([]),
  ];
  const found = [
    detectionsOf([
      [0, 0, 0, 10, 10, 0.9],
      [0, 50, 50, 60, 60, 0.3],
    ]),
    detectionsOf([[0, 20, 20, 30, 30, 0.6]]),
  ];

  it("gives the score of best F1, where a false alarm stands between two hits", () => {
    const { classes, map50, images, detections } = evaluateDetections(truths, found, {
      classCount: 2,
    });
    expect({ images, detections }).toEqual({ images: 2, detections: 3 });
    // Precision 1 up to recall 0.5 (51 points), 2/3 beyond.
    expect(map50).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
    expect(classes[0]?.best?.scoreThreshold).toBeCloseTo(0.3, 6);
    expect(classes[0]?.best).toMatchObject({ recall: 1, precision: 2 / 3, f1: 0.8 });
    expect(classes[1]).toMatchObject({ truths: 0, ap: NaN, curve: undefined, best: undefined });
  });

  it("refuses lists that do not stand side by side, and classes out of range", () => {
    expect(() => evaluateDetections(truths, found.slice(1), { classCount: 1 })).toThrow(
      expect.objectContaining({
        code: "EVALUATE_MISMATCH",
        message: expect.stringMatching(/2 images .* 1/) as string,
      }),
    );
    for (const [list, others] of [
      [[truthsOf([[3, 0, 0, 1, 1]])], [detectionsOf([])]],
      [[truthsOf([])], [detectionsOf([[3, 0, 0, 1, 1, 0.5]])]],
    ] as const)
      expect(() => evaluateDetections(list, others, { classCount: 3 })).toThrow(
        expect.objectContaining({
          code: "EVALUATE_MISMATCH",
          message: expect.stringContaining("Class 3") as string,
        }),
      );
  });
});

describe("evaluateDeepPcb equals the data set's script", () => {
  interface DeepPcbCase {
    images: number;
    truths: (readonly [number, number, number, number, number, number])[];
    detections: (readonly [number, number, number, number, number, number, number])[];
    expected: { ap: number; precision: number; recall: number; fScore: number };
  }
  test.each(golden<DeepPcbCase>("deeppcb-metric").cases.map((c, i) => [i, c] as const))(
    "case %i",
    (_, { images, truths, detections, expected }) => {
      const metrics = evaluateDeepPcb(
        byImage(truths, images).map((rows) => truthsOf(rows.map(([, ...row]) => row))),
        byImage(detections, images).map((rows) => detectionsOf(rows.map(([, ...row]) => row))),
      );
      for (const key of ["ap", "precision", "recall", "fScore"] as const)
        expect(metrics[key]).toBeCloseTo(expected[key], 12);
      expect(metrics.best?.f1).toBeGreaterThanOrEqual(expected.fScore);
    },
  );

  it("wants more than 0.33, asks the class only after pairing, and has no figure without objects", () => {
    // 33x100 inside 100x100: IoU exactly 0.33.
    const truth = [truthsOf([[0, 0, 0, 100, 100]])];
    const at = (width: number, classId = 0): number =>
      evaluateDeepPcb(truth, [detectionsOf([[classId, 0, 0, width, 100, 0.5]])]).ap;
    expect([at(33), at(34), at(33.9), at(100, 1)]).toEqual([0, 1, 0, 0]);
    expect(evaluateDeepPcb([[]], [detectionsOf([])])).toMatchObject({ ap: NaN, truths: 0 });
  });
});
