/**
 * IoU of every detection with every ground truth, in pycocotools's arithmetic: doubles, and right and lower edges as
 * `x + w`. Against a crowd it is the share of the detection that lies inside.
 * @param detections, truths `[n, 4]` xMin, yMin, width, height
 * @param crowds 1 where the ground truth is a crowd
 * @returns `[detections, truths]`
 */
export function iouMatrix(
  detections: Float64Array,
  truths: Float64Array,
  crowds: Uint8Array,
): Float64Array {
  const d = detections.length / 4;
  const g = truths.length / 4;
  const out = new Float64Array(d * g);
  for (let j = 0; j < g; j++) {
    const gx = truths[4 * j]!;
    const gy = truths[4 * j + 1]!;
    const gw = truths[4 * j + 2]!;
    const gh = truths[4 * j + 3]!;
    for (let i = 0; i < d; i++) {
      const dx = detections[4 * i]!;
      const dy = detections[4 * i + 1]!;
      const dw = detections[4 * i + 2]!;
      const dh = detections[4 * i + 3]!;
      const w = Math.min(dx + dw, gx + gw) - Math.max(dx, gx);
      if (w <= 0) continue;
      const h = Math.min(dy + dh, gy + gh) - Math.max(dy, gy);
      if (h <= 0) continue;
      const intersection = w * h;
      const union = crowds[j] ? dw * dh : dw * dh + gw * gh - intersection;
      out[i * g + j] = intersection / union;
    }
  }
  return out;
}

/** Ground truths of one image and class in the order of matching: those that count, then the ignored ones. */
export interface TruthOrder {
  /** Columns of the IoU matrix. */
  columns: Uint32Array;
  /** By column. */
  ignored: Uint8Array;
  crowds: Uint8Array;
}

/**
 * Greedy matching of one image and class as COCO does it: detections by falling score each take the free ground truth
 * of highest IoU at or above the threshold; one that counts is preferred to an ignored one.
 * @param ious `[detections, truths]`
 * @returns per detection the column of its ground truth, or -1
 */
export function matchGreedy(
  ious: Float64Array,
  detections: number,
  { columns, ignored, crowds }: TruthOrder,
  iouThreshold: number,
): Int32Array {
  const g = columns.length;
  const taken = new Uint8Array(g);
  const matches = new Int32Array(detections).fill(-1);
  for (let i = 0; i < detections; i++) {
    let best = Math.min(iouThreshold, 1 - 1e-10);
    let match = -1;
    for (let k = 0; k < g; k++) {
      const j = columns[k]!;
      if (taken[j] && !crowds[j]) continue;
      if (match >= 0 && !ignored[match] && ignored[j]) break;
      const iou = ious[i * g + j]!;
      if (iou < best) continue;
      best = iou;
      match = j;
    }
    matches[i] = match;
    if (match >= 0) taken[match] = 1;
  }
  return matches;
}
