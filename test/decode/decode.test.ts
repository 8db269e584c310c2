import { describe, expect, it } from "vitest";
import { letterboxTransform } from "../../src/image/index.js";
import { DECODERS, decodeDetections, filterByScore, nonMaxSuppression, type Detections } from "../../src/decode/index.js";
import { float32 } from "../../src/tensor/index.js";

const columns = (rows: readonly (readonly [number, number, number, number, number, number])[]): Detections => ({
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
  const transform = letterboxTransform({ widthPx: 128, heightPx: 64 }, { widthPx: 64, heightPx: 64 });
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
    const identity = letterboxTransform({ widthPx: 64, heightPx: 64 }, { widthPx: 64, heightPx: 64 });
    const d = decodeDetections({ output: float32([1, cells, 7], data) }, { ...spec, decoder: "yolox", scoreThreshold: 0.5 }, identity);
    expect(d.count).toBe(1);
    expect(d.scores[0]).toBeCloseTo(0.72, 6);
    expect(d.classIds[0]).toBe(1);
    [32, 8, 48, 40].forEach((v, i) => expect(d.boxes[i]).toBeCloseTo(v, 4));
  });

  it("refuses an unknown decoder and a wrong shape", () => {
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
