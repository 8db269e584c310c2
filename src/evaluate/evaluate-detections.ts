import type { Detections } from "../decode/index.js";
import { rowsByClass, type ClassRows } from "./class-rows.js";
import {
  ALL_AREAS,
  COCO_AREA_RANGES,
  COCO_IOU_THRESHOLDS,
  type AreaRange,
  type TruthBox,
} from "./coco-protocol.js";
import { matchGreedy } from "./match.kernel.js";
import {
  bestOperatingPoint,
  byScore,
  precisionRecall,
  type JudgedDetection,
  type OperatingPoint,
  type PrecisionRecall,
} from "./precision-recall.js";

export interface EvaluateOptions {
  classCount: number;
  /** Default {@link COCO_IOU_THRESHOLDS}; `[0.33]` and the like for a custom protocol. Meeting one is enough. */
  iouThresholds?: readonly number[];
  /** Best-scored detections kept per image and class. */
  maxDetections?: number;
  /** Bins by object area, reported beside the whole. */
  areaRanges?: readonly AreaRange[];
}

/** Figures of one class. NaN: the class has no ground truth. */
export interface ClassMetrics {
  classId: number;
  /** Objects to find. */
  truths: number;
  /** Mean over the IoU thresholds. */
  ap: number;
  /** At IoU 0.5; NaN when that is not among the thresholds. */
  ap50: number;
  /** One for each IoU threshold. */
  apAt: readonly number[];
  /** At the first IoU threshold; undefined without ground truth. */
  curve: PrecisionRecall | undefined;
  /** Score of best F1 at the first IoU threshold; undefined when nothing is found. */
  best: OperatingPoint | undefined;
}

/** Figures over one bin of areas. */
export interface AreaMetrics {
  name: string;
  truths: number;
  map: number;
  map50: number;
  averageRecall: number;
}

/** Detection quality by the COCO protocol. NaN stands where there is no ground truth to ask for. */
export interface DetectionMetrics {
  images: number;
  truths: number;
  detections: number;
  /** Mean over IoU thresholds and the classes that have ground truth. */
  map: number;
  /** At IoU 0.5; NaN when that is not among the thresholds. So is `map75` at 0.75. */
  map50: number;
  map75: number;
  iouThresholds: readonly number[];
  /** One for each IoU threshold. */
  mapAt: readonly number[];
  /** Mean recall over thresholds and classes with the best 1, 10 and `maxDetections` an image. */
  averageRecall: { at1: number; at10: number; atMax: number };
  classes: readonly ClassMetrics[];
  areas: readonly AreaMetrics[];
}

/**
 * Mean average precision and recall exactly as pycocotools computes them: greedy matching by score, 101-point
 * interpolation, area ranges and crowds by its ignore rules. Areas are those of the boxes.
 * @param truths, detections one entry an image, in the same order; boxes in px of the source image
 * @throws EVALUATE_MISMATCH
 * @see https://github.com/cocodataset/cocoapi/blob/master/PythonAPI/pycocotools/cocoeval.py
 */
export function evaluateDetections(
  truths: readonly (readonly TruthBox[])[],
  detections: readonly Detections[],
  {
    classCount,
    iouThresholds = COCO_IOU_THRESHOLDS,
    maxDetections = 100,
    areaRanges = COCO_AREA_RANGES,
  }: EvaluateOptions,
): DetectionMetrics {
  const classes = rowsByClass(truths, detections, classCount, maxDetections);
  const at = (iou: number): number => iouThresholds.findIndex((t) => Math.abs(t - iou) < 1e-9);
  const [at50, at75] = [at(0.5), at(0.75)];
  const whole = classes.map((images) => judgeClass(images, iouThresholds, ALL_AREAS));
  const classMetrics = whole.map((judged, classId): ClassMetrics => {
    const apAt = judged.curves.map(({ ap }) => ap);
    return {
      classId,
      truths: judged.truths,
      ap: mean(apAt),
      ap50: apAt[at50] ?? NaN,
      apAt,
      curve: judged.curves[0],
      best: bestOperatingPoint(judged.sorted[0] ?? [], judged.truths),
    };
  });
  const mapAt = iouThresholds.map((_, t) => mean(classMetrics.map(({ apAt }) => apAt[t] ?? NaN)));
  return {
    images: truths.length,
    truths: whole.reduce((n, judged) => n + judged.truths, 0),
    detections: detections.reduce((n, d) => n + d.count, 0),
    map: mean(mapAt),
    map50: mapAt[at50] ?? NaN,
    map75: mapAt[at75] ?? NaN,
    iouThresholds,
    mapAt,
    averageRecall: {
      at1: meanRecall(whole, 1),
      at10: meanRecall(whole, 10),
      atMax: meanRecall(whole, maxDetections),
    },
    classes: classMetrics,
    areas: areaRanges.map((range): AreaMetrics => {
      const judged = classes.map((images) => judgeClass(images, iouThresholds, range));
      const apAt = (t: number): number => mean(judged.map(({ curves }) => curves[t]?.ap ?? NaN));
      return {
        name: range.name,
        truths: judged.reduce((n, j) => n + j.truths, 0),
        map: mean(iouThresholds.map((_, t) => apAt(t))),
        map50: at50 < 0 ? NaN : apAt(at50),
        averageRecall: meanRecall(judged, maxDetections),
      };
    }),
  };
}

interface JudgedClass {
  truths: number;
  /** Per IoU threshold, best first: the detections that count. */
  sorted: readonly JudgedDetection[][];
  /** Per IoU threshold; empty without ground truth. */
  curves: readonly PrecisionRecall[];
}

function judgeClass(
  images: readonly ClassRows[],
  iouThresholds: readonly number[],
  { minPx2, maxPx2 }: AreaRange,
): JudgedClass {
  const outside = (boxes: Float64Array, i: number): boolean => {
    const area = (boxes[4 * i + 2] ?? 0) * (boxes[4 * i + 3] ?? 0);
    return area < minPx2 || area > maxPx2;
  };
  let truths = 0;
  const sorted: JudgedDetection[][] = iouThresholds.map(() => []);
  for (const rows of images) {
    const { crowds, scores, ious } = rows;
    const ignored = crowds.map((crowd, j) => (crowd === 1 || outside(rows.truths, j) ? 1 : 0));
    const counted = ignored.reduce((n, i) => n + 1 - i, 0);
    truths += counted;
    const columns = Uint32Array.from(ignored.keys());
    columns.sort((a, b) => (ignored[a] ?? 0) - (ignored[b] ?? 0) || a - b);
    iouThresholds.forEach((threshold, t) => {
      const matches = matchGreedy(ious, scores.length, { columns, ignored, crowds }, threshold);
      matches.forEach((match, rank) => {
        const counts = match >= 0 ? ignored[match] === 0 : !outside(rows.detections, rank);
        if (counts) sorted[t]?.push({ score: scores[rank] ?? 0, correct: match >= 0, rank });
      });
    });
  }
  for (const list of sorted) list.sort(byScore);
  return {
    truths,
    sorted,
    curves: truths === 0 ? [] : sorted.map((list) => precisionRecall(list, truths)),
  };
}

/** Recall of the best `limit` an image, over thresholds and classes. */
function meanRecall(classes: readonly JudgedClass[], limit: number): number {
  return mean(
    classes.flatMap(({ truths, sorted }) =>
      truths === 0
        ? []
        : sorted.map(
            (list) => list.filter(({ correct, rank }) => correct && rank < limit).length / truths,
          ),
    ),
  );
}

/** Of the numbers that are known; NaN when none is. */
function mean(values: readonly number[]): number {
  const known = values.filter((v) => !Number.isNaN(v));
  return known.length === 0 ? NaN : known.reduce((a, b) => a + b, 0) / known.length;
}
