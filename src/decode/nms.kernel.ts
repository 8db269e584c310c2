import { selectDetections, type Detections } from "./detections.js";

export interface NmsOptions {
  /** A box that overlaps a better one by more than this is dropped. */
  iouThreshold?: number;
  /** Only boxes of the same class suppress each other. */
  perClass?: boolean;
  maxDetections?: number;
}

/** Greedy non-maximum suppression. Result in order of falling score; equal scores keep their order. */
export function nonMaxSuppression(
  d: Detections,
  { iouThreshold = 0.6, perClass = true, maxDetections = 300 }: NmsOptions = {},
): Detections {
  const { boxes, scores, classIds } = d;
  const order = Uint32Array.from({ length: d.count }, (_, i) => i).sort(
    (a, b) => scores[b]! - scores[a]! || a - b,
  );
  const kept: number[] = [];
  const areas = new Float64Array(d.count);
  for (let i = 0; i < d.count; i++)
    areas[i] =
      Math.max(0, boxes[4 * i + 2]! - boxes[4 * i]!) *
      Math.max(0, boxes[4 * i + 3]! - boxes[4 * i + 1]!);
  for (let k = 0; k < order.length && kept.length < maxDetections; k++) {
    const i = order[k]!;
    const x1 = boxes[4 * i]!;
    const y1 = boxes[4 * i + 1]!;
    const x2 = boxes[4 * i + 2]!;
    const y2 = boxes[4 * i + 3]!;
    let suppressed = false;
    for (let m = 0; m < kept.length; m++) {
      const j = kept[m]!;
      if (perClass && classIds[i] !== classIds[j]) continue;
      const w = Math.min(x2, boxes[4 * j + 2]!) - Math.max(x1, boxes[4 * j]!);
      if (w <= 0) continue;
      const h = Math.min(y2, boxes[4 * j + 3]!) - Math.max(y1, boxes[4 * j + 1]!);
      if (h <= 0) continue;
      const intersection = w * h;
      if (intersection > iouThreshold * (areas[i]! + areas[j]! - intersection)) {
        suppressed = true;
        break;
      }
    }
    if (!suppressed) kept.push(i);
  }
  return selectDetections(d, kept);
}
