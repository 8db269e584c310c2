/** IoU of two xyxy boxes at offsets in flat arrays. */
export function boxIou(a: Float32Array | Float64Array, i: number, b: Float32Array | Float64Array, j: number): number {
  const w = Math.min(a[4 * i + 2]!, b[4 * j + 2]!) - Math.max(a[4 * i]!, b[4 * j]!);
  const h = Math.min(a[4 * i + 3]!, b[4 * j + 3]!) - Math.max(a[4 * i + 1]!, b[4 * j + 1]!);
  if (w <= 0 || h <= 0) return 0;
  const areaA = (a[4 * i + 2]! - a[4 * i]!) * (a[4 * i + 3]! - a[4 * i + 1]!);
  const areaB = (b[4 * j + 2]! - b[4 * j]!) * (b[4 * j + 3]! - b[4 * j + 1]!);
  return (w * h) / (areaA + areaB - w * h);
}

/**
 * Greedy matching of one image and class, as the COCO evaluation does it: detections by falling score each take the
 * free ground truth of highest IoU at or above the threshold, preferring ones that count over ignored ones.
 * @param detections `[D, 4]`, best first; `truths` `[G, 4]`, those that count first
 * @returns per detection the row of its ground truth, or -1
 */
export function matchGreedy(
  detections: Float64Array,
  truths: Float64Array,
  truthIgnored: readonly boolean[],
  iouThreshold: number,
): Int32Array {
  const d = detections.length / 4;
  const g = truths.length / 4;
  const taken = new Uint8Array(g);
  const matches = new Int32Array(d).fill(-1);
  for (let i = 0; i < d; i++) {
    let best = Math.min(iouThreshold, 1 - 1e-10);
    let match = -1;
    for (let j = 0; j < g; j++) {
      if (taken[j]) continue;
      if (match >= 0 && !truthIgnored[match] && truthIgnored[j]) break;
      const iou = boxIou(detections, i, truths, j);
      if (iou < best) continue;
      best = iou;
      match = j;
    }
    matches[i] = match;
    if (match >= 0) taken[match] = 1;
  }
  return matches;
}
