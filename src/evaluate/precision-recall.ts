import { RECALL_POINTS } from "./coco-protocol.js";

/** One detection that counts: judged right or wrong. */
export interface JudgedDetection {
  score: number;
  correct: boolean;
  /** Place among its image's detections of that class, best is 0. */
  rank: number;
}

/** Precision against recall of one class at one IoU threshold. */
export interface PrecisionRecall {
  /** Mean of `precision`. */
  ap: number;
  /** Recall of all detections. */
  recall: number;
  /** Envelope precision at {@link RECALL_POINTS}; 0 where that recall is not reached. */
  precision: Float64Array;
  /** The score at which each of those recalls is reached; 0 where it is not. */
  scores: Float64Array;
}

/** The score that gives the best F1, and what it gives. */
export interface OperatingPoint {
  scoreThreshold: number;
  precision: number;
  recall: number;
  f1: number;
}

/** By falling score; equal scores keep their order. */
export const byScore = (a: JudgedDetection, b: JudgedDetection): number => b.score - a.score;

/**
 * COCO's curve: precision made non-increasing from the right, then read at 101 recalls.
 * @param sorted best first
 * @param truths how many objects there are to find, at least 1
 */
export function precisionRecall(
  sorted: readonly JudgedDetection[],
  truths: number,
): PrecisionRecall {
  const n = sorted.length;
  const envelope = new Float64Array(n);
  const recall = new Float64Array(n);
  let correct = 0;
  sorted.forEach((d, i) => {
    if (d.correct) correct++;
    // pycocotools adds the same epsilon.
    envelope[i] = correct / (i + 1 + Number.EPSILON);
    recall[i] = correct / truths;
  });
  for (let i = n - 1; i > 0; i--)
    envelope[i - 1] = Math.max(envelope[i - 1] ?? 0, envelope[i] ?? 0);
  const precision = new Float64Array(RECALL_POINTS.length);
  const scores = new Float64Array(RECALL_POINTS.length);
  let at = 0;
  let sum = 0;
  RECALL_POINTS.forEach((wanted, r) => {
    while (at < n && (recall[at] ?? 0) < wanted) at++;
    if (at === n) return;
    precision[r] = envelope[at] ?? 0;
    scores[r] = sorted[at]?.score ?? 0;
    sum += precision[r] ?? 0;
  });
  return { ap: sum / RECALL_POINTS.length, recall: correct / truths, precision, scores };
}

/**
 * The score threshold of best F1. Detections of equal score stand or fall together.
 * @param sorted best first
 * @returns undefined without a correct detection
 */
export function bestOperatingPoint(
  sorted: readonly Omit<JudgedDetection, "rank">[],
  truths: number,
): OperatingPoint | undefined {
  let best: OperatingPoint | undefined;
  let correct = 0;
  sorted.forEach((d, i) => {
    if (d.correct) correct++;
    if (correct === 0 || sorted[i + 1]?.score === d.score) return;
    const precision = correct / (i + 1);
    const recall = correct / truths;
    const f1 = (2 * precision * recall) / (precision + recall);
    if (best === undefined || f1 > best.f1)
      best = { scoreThreshold: d.score, precision, recall, f1 };
  });
  return best;
}
