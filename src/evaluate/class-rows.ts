import { EdgeDistillError } from "../base/index.js";
import type { Detections } from "../decode/index.js";
import type { TruthBox } from "./coco-protocol.js";
import { iouMatrix } from "./match.kernel.js";

/** Objects and detections of one class in one image. */
export interface ClassRows {
  image: number;
  /** `[G, 4]` xMin, yMin, width, height in px. */
  truths: Float64Array;
  crowds: Uint8Array;
  /** `[D, 4]`, best first. */
  detections: Float64Array;
  /** Row of each in the image's {@link Detections}. */
  rows: Uint32Array;
  /** Falling. */
  scores: Float64Array;
  /** `[D, G]` */
  ious: Float64Array;
}

/**
 * Sorts objects and detections by class.
 * @param maxDetections best-scored kept per image and class
 * @returns for each class, the images where something of it is or was found
 * @throws EVALUATE_MISMATCH when the lists differ in length or a class is out of range
 */
export function rowsByClass(
  truths: readonly (readonly TruthBox[])[],
  detections: readonly Detections[],
  classCount: number,
  maxDetections: number,
): ClassRows[][] {
  if (truths.length !== detections.length)
    throw new EdgeDistillError(
      "EVALUATE_MISMATCH",
      `Ground truth of ${String(truths.length)} images stands against detections of ${String(detections.length)}`,
      { hint: "Give one entry for each image, in the same order; an image may be empty." },
    );
  const classes: ClassRows[][] = Array.from({ length: classCount }, () => []);
  truths.forEach((annotations, image) => {
    const found = detections[image];
    if (found === undefined) return;
    const truthsOf = new Map<number, TruthBox[]>();
    for (const truth of annotations)
      push(truthsOf, inRange(truth.classId, classCount, image, "ground truth"), truth);
    const rowsOf = new Map<number, number[]>();
    for (let row = 0; row < found.count; row++)
      push(rowsOf, inRange(found.classIds[row] ?? -1, classCount, image, "a detection"), row);
    for (const classId of new Set([...truthsOf.keys(), ...rowsOf.keys()]))
      classes[classId]?.push(
        classRows(
          image,
          truthsOf.get(classId) ?? [],
          found,
          rowsOf.get(classId) ?? [],
          maxDetections,
        ),
      );
  });
  return classes;
}

function classRows(
  image: number,
  own: readonly TruthBox[],
  found: Detections,
  candidates: number[],
  maxDetections: number,
): ClassRows {
  const score = (row: number): number => found.scores[row] ?? 0;
  const rows = candidates.sort((a, b) => score(b) - score(a) || a - b).slice(0, maxDetections);
  const truths = new Float64Array(own.length * 4);
  own.forEach(({ box: { xMin, yMin, xMax, yMax } }, i) => {
    truths.set([xMin, yMin, xMax - xMin, yMax - yMin], 4 * i);
  });
  const detections = new Float64Array(rows.length * 4);
  rows.forEach((row, i) => {
    const [xMin = 0, yMin = 0, xMax = 0, yMax = 0] = found.boxes.subarray(4 * row, 4 * row + 4);
    detections.set([xMin, yMin, xMax - xMin, yMax - yMin], 4 * i);
  });
  const crowds = Uint8Array.from(own, ({ crowd = false }) => Number(crowd));
  return {
    image,
    truths,
    crowds,
    detections,
    rows: Uint32Array.from(rows),
    scores: Float64Array.from(rows, score),
    ious: iouMatrix(detections, truths, crowds),
  };
}

function push<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function inRange(classId: number, classCount: number, image: number, what: string): number {
  if (Number.isInteger(classId) && classId >= 0 && classId < classCount) return classId;
  throw new EdgeDistillError(
    "EVALUATE_MISMATCH",
    `Class ${String(classId)} of ${what} in image ${String(image)} is not among the ${String(classCount)} classes`,
    { hint: "Evaluate a model against a dataset with the same classes, in the same order." },
  );
}
