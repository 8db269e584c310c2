import type { Detections } from "../../src/decode/index.js";
import type { TruthBox } from "../../src/evaluate/index.js";

/** `[image, class, x, y, width, height, crowd]` and `[image, class, x, y, width, height, score]`. */
export type XywhRow = readonly [number, number, number, number, number, number, number];

/** `[class, xMin, yMin, xMax, yMax]`. */
export type TruthRow = readonly [number, number, number, number, number];

/** `[class, xMin, yMin, xMax, yMax, score]`. */
export type DetectionRow = readonly [number, number, number, number, number, number];

export const truthsOf = (rows: readonly TruthRow[]): TruthBox[] =>
  rows.map(([classId, xMin, yMin, xMax, yMax]) => ({ classId, box: { xMin, yMin, xMax, yMax } }));

export const detectionsOf = (rows: readonly DetectionRow[]): Detections => ({
  count: rows.length,
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(1, 5))),
  boxFormat: "xyxy-px",
  scores: Float32Array.from(rows, (row) => row[5]),
  classIds: Int32Array.from(rows, (row) => row[0]),
});

/** Rows by image. */
export function byImage<T extends readonly number[]>(rows: readonly T[], images: number): T[][] {
  return Array.from({ length: images }, (_, image) => rows.filter((row) => row[0] === image));
}
