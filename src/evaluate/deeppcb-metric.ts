import type { Annotation } from "../data/index.js";
import type { Detections } from "../decode/index.js";
import { rowsByClass } from "./class-rows.js";
import { bestOperatingPoint, byScore, type OperatingPoint } from "./precision-recall.js";

/** DeepPCB's own figures. NaN: no ground truth. */
export interface DeepPcbMetrics {
  /** Average precision of all classes in one list, not interpolated; what the data set's authors call mAP. */
  ap: number;
  /** Of all detections given: choose them by a score threshold first. */
  precision: number;
  recall: number;
  fScore: number;
  /** The score threshold of best F-score; undefined when nothing is found. */
  best: OperatingPoint | undefined;
  truths: number;
}

/**
 * The metric of DeepPCB's evaluation script, which is neither COCO's nor VOC's: coordinates are cut to whole px; boxes
 * pair off whatever their class, each object in order of its list with the best-scored free detection of IoU *above* the
 * threshold; a pair is correct when the classes agree; precision is averaged over the correct detections of all classes
 * together. For the mean of per-class APs that most papers print, use `evaluateDetections(…, { iouThresholds: [0.33] })`.
 * @param truths, detections one entry an image, in the same order
 * @throws EVALUATE_MISMATCH
 * @see https://github.com/tangsanli5201/DeepPCB/tree/master/evaluation
 */
export function evaluateDeepPcb(
  truths: readonly (readonly Annotation[])[],
  detections: readonly Detections[],
  { iouThreshold = 0.33 }: { iouThreshold?: number } = {},
): DeepPcbMetrics {
  const cut = Math.trunc;
  // One class for all: boxes pair off first, labels are compared afterwards.
  const wholeTruths = truths.map((list) =>
    list.map(({ box }) => ({
      classId: 0,
      box: { xMin: cut(box.xMin), yMin: cut(box.yMin), xMax: cut(box.xMax), yMax: cut(box.yMax) },
    })),
  );
  const wholeDetections = detections.map((d) => ({
    ...d,
    boxes: d.boxes.map(cut),
    classIds: new Int32Array(d.count),
  }));
  const [images = []] = rowsByClass(wholeTruths, wholeDetections, 1, Infinity);
  const judged = images.flatMap(({ image, ious, rows, scores }) => {
    const labels = truths[image] ?? [];
    const correct = rows.map(() => 0);
    const taken = rows.map(() => 0);
    labels.forEach(({ classId }, j) => {
      const rank = taken.findIndex(
        (isTaken, i) => isTaken === 0 && (ious[i * labels.length + j] ?? 0) > iouThreshold,
      );
      if (rank < 0) return;
      taken[rank] = 1;
      correct[rank] = Number(detections[image]?.classIds[rows[rank] ?? 0] === classId);
    });
    return Array.from(scores, (score, rank) => ({ score, rank, correct: correct[rank] === 1 }));
  });
  judged.sort(byScore);
  const objects = truths.reduce((n, list) => n + list.length, 0);
  let correct = 0;
  let sum = 0;
  judged.forEach((d, i) => {
    if (d.correct) sum += ++correct / (i + 1);
  });
  if (objects === 0)
    return { ap: NaN, precision: NaN, recall: NaN, fScore: NaN, best: undefined, truths: 0 };
  const precision = judged.length === 0 ? 0 : correct / judged.length;
  const recall = correct / objects;
  return {
    ap: sum / objects,
    precision,
    recall,
    fScore: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    best: bestOperatingPoint(judged, objects),
    truths: objects,
  };
}
