import type { Annotation } from "../data/index.js";
import type { Detections } from "../decode/index.js";
import { matchGreedy } from "./match.kernel.js";

/** IoU 0.50, 0.55 … 0.95. */
export const COCO_IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/** Bounds on ground-truth area in px². */
export interface AreaRange {
  name: string;
  minPx2: number;
  maxPx2: number;
}

export const COCO_AREA_RANGES: readonly AreaRange[] = [
  { name: "all", minPx2: 0, maxPx2: 1e10 },
  { name: "small", minPx2: 0, maxPx2: 32 ** 2 },
  { name: "medium", minPx2: 32 ** 2, maxPx2: 96 ** 2 },
  { name: "large", minPx2: 96 ** 2, maxPx2: 1e10 },
];

export interface DetectionMapOptions {
  classCount: number;
  iouThresholds?: readonly number[];
  /** Best-scored detections kept per image and class. */
  maxDetections?: number;
  areaRange?: AreaRange;
}

export interface ClassPrecision {
  classId: number;
  truths: number;
  /** Per IoU threshold; NaN where the class has no ground truth. */
  ap: readonly number[];
  /** Precision at recall 0, 0.01 … 1 for the first IoU threshold. */
  precisionAtRecall: Float64Array;
}

export interface DetectionMap {
  /** Mean over IoU thresholds and the classes that have ground truth; NaN when none has. */
  map: number;
  /** Mean over classes per IoU threshold. */
  mapAt: readonly number[];
  iouThresholds: readonly number[];
  classes: readonly ClassPrecision[];
}

interface ScoredMatch {
  score: number;
  matched: boolean;
}

const RECALL_POINTS = 101;

/** Precision envelope sampled at 101 recalls, as pycocotools does. */
function interpolate(sorted: readonly ScoredMatch[], truths: number): Float64Array {
  const precision = new Float64Array(sorted.length);
  const recall = new Float64Array(sorted.length);
  let tp = 0;
  sorted.forEach(({ matched }, i) => {
    if (matched) tp++;
    precision[i] = tp / (i + 1 + Number.EPSILON);
    recall[i] = tp / truths;
  });
  for (let i = sorted.length - 1; i > 0; i--)
    if ((precision[i] ?? 0) > (precision[i - 1] ?? 0)) precision[i - 1] = precision[i] ?? 0;
  const out = new Float64Array(RECALL_POINTS);
  let at = 0;
  for (let r = 0; r < RECALL_POINTS; r++) {
    while (at < sorted.length && (recall[at] ?? 0) < (r === 100 ? 1 : r * 0.01)) at++;
    out[r] = at < sorted.length ? (precision[at] ?? 0) : 0;
  }
  return out;
}

const mean = (values: readonly number[]): number => {
  const known = values.filter((v) => !Number.isNaN(v));
  return known.length === 0 ? NaN : known.reduce((a, b) => a + b, 0) / known.length;
};

function classRows(d: Detections, classId: number, maxDetections: number): { boxes: Float64Array; scores: number[] } {
  const rows: number[] = [];
  for (let i = 0; i < d.count; i++) if (d.classIds[i] === classId) rows.push(i);
  rows.sort((a, b) => (d.scores[b] ?? 0) - (d.scores[a] ?? 0) || a - b);
  rows.length = Math.min(rows.length, maxDetections);
  const boxes = new Float64Array(rows.length * 4);
  rows.forEach((row, i) => {
    boxes.set(d.boxes.subarray(4 * row, 4 * row + 4), 4 * i);
  });
  return { boxes, scores: rows.map((row) => d.scores[row] ?? 0) };
}

/**
 * Mean average precision by the COCO protocol (101-point interpolation, greedy matching, area ranges by ignoring),
 * equal to pycocotools on the same boxes.
 * @param truths, detections one entry an image, in the same order
 */
export function evaluateDetections(
  truths: readonly (readonly Annotation[])[],
  detections: readonly Detections[],
  {
    classCount,
    iouThresholds = COCO_IOU_THRESHOLDS,
    maxDetections = 100,
    areaRange = COCO_AREA_RANGES[0] as AreaRange,
  }: DetectionMapOptions,
): DetectionMap {
  const outside = (area: number): boolean => area < areaRange.minPx2 || area > areaRange.maxPx2;
  const classes = Array.from({ length: classCount }, (_, classId): ClassPrecision => {
    const perThreshold: ScoredMatch[][] = iouThresholds.map(() => []);
    let counted = 0;
    truths.forEach((annotations, image) => {
      const own = annotations
        .filter((a) => a.classId === classId)
        .map(({ box }) => ({ box, ignored: outside((box.xMax - box.xMin) * (box.yMax - box.yMin)) }))
        .sort((a, b) => Number(a.ignored) - Number(b.ignored));
      counted += own.filter((t) => !t.ignored).length;
      const d = detections[image];
      if (!d) return;
      const { boxes, scores } = classRows(d, classId, maxDetections);
      const truthBoxes = Float64Array.from(own.flatMap(({ box }) => [box.xMin, box.yMin, box.xMax, box.yMax]));
      const ignored = own.map((t) => t.ignored);
      iouThresholds.forEach((threshold, t) => {
        const matches = matchGreedy(boxes, truthBoxes, ignored, threshold);
        scores.forEach((score, i) => {
          const match = matches[i] ?? -1;
          const area = ((boxes[4 * i + 2] ?? 0) - (boxes[4 * i] ?? 0)) * ((boxes[4 * i + 3] ?? 0) - (boxes[4 * i + 1] ?? 0));
          if (match >= 0 ? ignored[match] : outside(area)) return;
          perThreshold[t]?.push({ score, matched: match >= 0 });
        });
      });
    });
    if (counted === 0)
      return { classId, truths: 0, ap: iouThresholds.map(() => NaN), precisionAtRecall: new Float64Array(RECALL_POINTS) };
    const curves = perThreshold.map((list) => interpolate(list.sort((a, b) => b.score - a.score), counted));
    return {
      classId,
      truths: counted,
      ap: curves.map((c) => c.reduce((a, b) => a + b, 0) / RECALL_POINTS),
      precisionAtRecall: curves[0] ?? new Float64Array(RECALL_POINTS),
    };
  });
  const mapAt = iouThresholds.map((_, t) => mean(classes.map((c) => c.ap[t] ?? NaN)));
  return { map: mean(mapAt), mapAt, iouThresholds, classes };
}
