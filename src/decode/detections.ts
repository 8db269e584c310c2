/** Detections of one image, columnar: row `i` of every column is one object. */
export interface Detections {
  readonly count: number;
  /** `[count, 4]` xMin, yMin, xMax, yMax in px of the source image. */
  readonly boxes: Float32Array;
  readonly boxFormat: "xyxy-px";
  /** `[count]` in [0, 1]. */
  readonly scores: Float32Array;
  /** `[count]` index into the model's classes. */
  readonly classIds: Int32Array;
}

/** No objects. */
export function emptyDetections(): Detections {
  return {
    count: 0,
    boxes: new Float32Array(0),
    boxFormat: "xyxy-px",
    scores: new Float32Array(0),
    classIds: new Int32Array(0),
  };
}

/** The rows named, in that order, as a new object. */
export function selectDetections(d: Detections, rows: ArrayLike<number>): Detections {
  const count = rows.length;
  const boxes = new Float32Array(count * 4);
  const scores = new Float32Array(count);
  const classIds = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const row = rows[i] ?? 0;
    boxes.set(d.boxes.subarray(4 * row, 4 * row + 4), 4 * i);
    scores[i] = d.scores[row] ?? 0;
    classIds[i] = d.classIds[row] ?? 0;
  }
  return { count, boxes, boxFormat: "xyxy-px", scores, classIds };
}

/** Rows whose score is at least `threshold`. */
export function filterByScore(d: Detections, threshold: number): Detections {
  const rows: number[] = [];
  for (let i = 0; i < d.count; i++) if ((d.scores[i] ?? 0) >= threshold) rows.push(i);
  return selectDetections(d, rows);
}
