import { describe, expect, it } from "vitest";
import { createRng } from "../../src/base/index.js";
import { letterboxTransform } from "../../src/image/index.js";
import {
  DECODERS,
  decodeDetections,
  defineDecoder,
  emptyDetections,
  filterByScore,
  nonMaxSuppression,
  selectDetections,
  type Detections,
} from "../../src/decode/index.js";
import { float32 } from "../../src/tensor/index.js";

const columns = (
  rows: readonly (readonly [number, number, number, number, number, number])[],
): Detections => ({
  count: rows.length,
  boxes: Float32Array.from(rows.flatMap((r) => r.slice(0, 4))),
  boxFormat: "xyxy-px",
  scores: Float32Array.from(rows, (r) => r[4]),
  classIds: Int32Array.from(rows, (r) => r[5]),
});

describe("nonMaxSuppression", () => {
  const d = columns([
    [0, 0, 10, 10, 0.5, 0],
    [1, 0, 11, 10, 0.9, 0], // IoU with the first: 9/11
    [1, 0, 11, 10, 0.8, 1],
    [30, 30, 40, 40, 0.4, 0],
  ]);

  it("keeps the best of overlapping boxes of one class", () => {
    const kept = nonMaxSuppression(d, { iouThreshold: 0.6 });
    expect([...kept.scores].map((s) => +s.toFixed(2))).toEqual([0.9, 0.8, 0.4]);
    expect([...kept.boxes.subarray(0, 4)]).toEqual([1, 0, 11, 10]);
  });

  it("lets classes suppress each other when asked, and keeps at most so many", () => {
    expect(nonMaxSuppression(d, { perClass: false }).count).toBe(2);
    expect(nonMaxSuppression(d, { maxDetections: 1 }).count).toBe(1);
    expect(nonMaxSuppression(d, { iouThreshold: 0.9 }).count).toBe(4);
  });
});

describe("decodeDetections", () => {
  const transform = letterboxTransform(
    { widthPx: 128, heightPx: 64 },
    { widthPx: 64, heightPx: 64 },
  );
  const spec = { decoder: "edge-distill-dense", classCount: 2, widthPx: 64, heightPx: 64 };

  it("reads dense output and undoes the letterbox, clipped to the source", () => {
    const output = float32([1, 2, 6], [10, 20, 30, 40, 0.1, 0.9, -5, 0, 70, 64, 0.3, 0.2]);
    const d = decodeDetections({ output }, spec, transform);
    expect([...d.classIds]).toEqual([1, 0]);
    expect([...d.boxes]).toEqual([20, 8, 60, 48, 0, 0, 128, 64]);
    expect(filterByScore(d, 0.5).count).toBe(1);
  });

  it("decodes YOLOX's grid by hand-computed values", () => {
    const cells = 64 + 16 + 4;
    const data = new Float32Array(cells * 7);
    // second level (stride 16), cell (gx 2, gy 1): centre (2.5, 1.5)·16, size e^0·16 by e^ln2·16
    const at = (64 + 1 * 4 + 2) * 7;
    data.set([0.5, 0.5, 0, Math.log(2), 0.8, 0.5, 0.9], at);
    const identity = letterboxTransform(
      { widthPx: 64, heightPx: 64 },
      { widthPx: 64, heightPx: 64 },
    );
    const d = decodeDetections(
      { output: float32([1, cells, 7], data) },
      { ...spec, decoder: "yolox", scoreThreshold: 0.5 },
      identity,
    );
    expect(d.count).toBe(1);
    expect(d.scores[0]).toBeCloseTo(0.72, 6);
    expect(d.classIds[0]).toBe(1);
    [32, 8, 48, 40].forEach((v, i) => expect(d.boxes[i]).toBeCloseTo(v, 4));
  });

  it("leaves out what has no area inside the image, and what is not finite", () => {
    const rows = [
      [10, 2, 30, 12, 0.9, 0], // in the padding above
      [NaN, 20, 30, 40, 0.8, 0],
      [30, 20, 30, 40, 0.7, 0],
      [10, 20, 30, 40, NaN, 0.6],
    ];
    const d = decodeDetections({ output: float32([1, 4, 6], rows.flat()) }, spec, transform);
    expect([d.count, ...d.classIds, ...d.boxes]).toEqual([1, 1, 20, 8, 60, 48]);
    expect(d.scores[0]).toBeCloseTo(0.6, 6);
  });

  it("takes a decoder that is not in the table, with or without suppression", () => {
    const twins = columns([
      [0, 16, 20, 48, 0.5, 0],
      [0, 16, 20, 48, 0.7, 0],
    ]);
    const own = (suppress: boolean) =>
      defineDecoder({ id: "own", reads: "nothing", suppress, collect: () => twins });
    const count = (suppress: boolean): number[] => [
      ...decodeDetections({}, { ...spec, decoder: "own" }, transform, { decoders: [own(suppress)] })
        .scores,
    ];
    expect(count(true)).toHaveLength(1);
    expect(count(false).map((s) => +s.toFixed(1))).toEqual([0.7, 0.5]);
  });

  it("refuses an unknown decoder and a wrong shape, and says what it expected", () => {
    expect(() => decodeDetections({}, spec, transform)).toThrow(
      expect.objectContaining({
        code: "DECODE_SHAPE",
        message: expect.stringMatching(/\[1, A, 6\].*no output/) as string,
      }),
    );
    const output = float32([1, 2, 5], new Float32Array(10));
    expect(() => decodeDetections({ output }, { ...spec, decoder: "yolo9000" }, transform)).toThrow(
      expect.objectContaining({ code: "DECODE_UNKNOWN" }),
    );
    for (const { id } of DECODERS)
      expect(() => decodeDetections({ output }, { ...spec, decoder: id }, transform)).toThrow(
        expect.objectContaining({ code: "DECODE_SHAPE" }),
      );
  });
});

describe("columns", () => {
  const d = columns([
    [0, 0, 1, 1, 0.2, 0],
    [0, 0, 2, 2, 0.7, 1],
  ]);

  it("selects rows in the order asked, into new arrays", () => {
    const picked = selectDetections(d, [1, 0]);
    expect([...picked.classIds, ...picked.boxes]).toEqual([1, 0, 0, 0, 2, 2, 0, 0, 1, 1]);
    expect(picked.boxes.buffer).not.toBe(d.boxes.buffer);
  });

  it("has an empty form that every function takes", () => {
    const none = emptyDetections();
    expect(nonMaxSuppression(none)).toEqual(none);
    expect(filterByScore(d, 0.9)).toEqual(none);
  });
});

describe("a crowd of candidates", () => {
  it("is suppressed as a plain double loop does it", () => {
    const rng = createRng("crowd");
    const rows = Array.from({ length: 1500 }, () => {
      const [x, y] = [rng.uniform(0, 300), rng.uniform(0, 300)];
      return [
        x,
        y,
        x + rng.uniform(10, 60),
        y + rng.uniform(10, 60),
        Math.fround(rng.int(500) / 500),
        rng.int(3),
      ] as const;
    });
    const iou = (a: readonly number[], b: readonly number[]): number => {
      const [ax = 0, ay = 0, aX = 0, aY = 0] = a.map(Math.fround);
      const [bx = 0, by = 0, bX = 0, bY = 0] = b.map(Math.fround);
      const inside =
        Math.max(0, Math.min(aX, bX) - Math.max(ax, bx)) *
        Math.max(0, Math.min(aY, bY) - Math.max(ay, by));
      return inside / ((aX - ax) * (aY - ay) + (bX - bx) * (bY - by) - inside);
    };
    const left = rows.map((row, i) => ({ row, i }));
    left.sort((a, b) => b.row[4] - a.row[4] || a.i - b.i);
    const expected: number[] = [];
    while (left.length > 0 && expected.length < 300) {
      const [best] = left.splice(0, 1);
      if (!best) break;
      expected.push(best.row[4]);
      for (let k = left.length - 1; k >= 0; k--)
        if (left[k]?.row[5] === best.row[5] && iou(best.row, left[k]?.row ?? []) > 0.3)
          left.splice(k, 1);
    }
    const kept = nonMaxSuppression(columns(rows), { iouThreshold: 0.3 });
    expect(expected.length).toBeGreaterThan(100);
    expect([...kept.scores]).toEqual(expected);
  });
});
