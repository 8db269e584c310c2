import type { Detections } from "../decode/index.js";
import { rowsByClass } from "./class-rows.js";
import type { TruthBox } from "./coco-protocol.js";
import { matchGreedy } from "./match.kernel.js";

/** What became of each box of one image. */
export interface ImageOutcome {
  image: number;
  /** By row of its detections: right, wrong, or lying on an ignored crowd. */
  detections: readonly ("correct" | "wrong" | "ignored")[];
  /** By place in its ground truth: whether it was found. */
  found: readonly boolean[];
  /** Wrong detections weighed by score, plus one for each object missed. */
  badness: number;
}

/**
 * Judges every detection and object, image by image: COCO's matching at one IoU threshold.
 * @param scoreThreshold detections below it are left out (`ignored`)
 * @throws EVALUATE_MISMATCH
 */
export function judgeImages(
  truths: readonly (readonly TruthBox[])[],
  detections: readonly Detections[],
  {
    classCount,
    iouThreshold = 0.5,
    scoreThreshold = 0,
  }: { classCount: number; iouThreshold?: number; scoreThreshold?: number },
): ImageOutcome[] {
  const outcomes = truths.map((annotations, image) => ({
    image,
    detections: Array.from<unknown, "correct" | "wrong" | "ignored">(
      { length: detections[image]?.count ?? 0 },
      () => "ignored",
    ),
    found: annotations.map(({ crowd = false }) => crowd),
    badness: 0,
  }));
  rowsByClass(truths, detections, classCount, Infinity).forEach((images, classId) => {
    for (const { image, crowds, rows, scores, ious } of images) {
      const outcome = outcomes[image];
      if (outcome === undefined) continue;
      const kept = scores.filter((score) => score >= scoreThreshold).length;
      const columns = Uint32Array.from(crowds.keys());
      columns.sort((a, b) => (crowds[a] ?? 0) - (crowds[b] ?? 0) || a - b);
      const order = { columns, ignored: crowds, crowds };
      const places = (truths[image] ?? []).flatMap((t, i) => (t.classId === classId ? [i] : []));
      matchGreedy(ious, kept, order, iouThreshold).forEach((match, rank) => {
        const row = rows[rank] ?? 0;
        const ignored = match >= 0 && crowds[match] === 1;
        outcome.detections[row] = match < 0 ? "wrong" : ignored ? "ignored" : "correct";
        if (match < 0) outcome.badness += scores[rank] ?? 0;
        else outcome.found[places[match] ?? -1] = true;
      });
    }
  });
  for (const outcome of outcomes) outcome.badness += outcome.found.filter((f) => !f).length;
  return outcomes;
}

/** The images with the most and surest mistakes, worst first; images without a mistake are left out. */
export function worstImages(outcomes: readonly ImageOutcome[], count: number): ImageOutcome[] {
  return outcomes
    .filter(({ badness }) => badness > 0)
    .sort((a, b) => b.badness - a.badness || a.image - b.image)
    .slice(0, count);
}
