import type { LetterboxTransform } from "../image/index.js";
import type { Detections } from "./detections.js";

/** Candidates in network px before NMS; grows as needed. */
export class CandidateList {
  #boxes = new Float32Array(4 * 256);
  #scores = new Float32Array(256);
  #classIds = new Int32Array(256);
  count = 0;

  push(x1: number, y1: number, x2: number, y2: number, score: number, classId: number): void {
    const i = this.count++;
    if (i === this.#scores.length) this.#grow();
    this.#boxes[4 * i] = x1;
    this.#boxes[4 * i + 1] = y1;
    this.#boxes[4 * i + 2] = x2;
    this.#boxes[4 * i + 3] = y2;
    this.#scores[i] = score;
    this.#classIds[i] = classId;
  }

  detections(): Detections {
    return {
      count: this.count,
      boxes: this.#boxes.subarray(0, 4 * this.count),
      boxFormat: "xyxy-px",
      scores: this.#scores.subarray(0, this.count),
      classIds: this.#classIds.subarray(0, this.count),
    };
  }

  #grow(): void {
    const double = <T extends Float32Array | Int32Array>(old: T, next: T): T => {
      next.set(old);
      return next;
    };
    this.#boxes = double(this.#boxes, new Float32Array(this.#boxes.length * 2));
    this.#scores = double(this.#scores, new Float32Array(this.#scores.length * 2));
    this.#classIds = double(this.#classIds, new Int32Array(this.#classIds.length * 2));
  }
}

/** `[A, 4 + C]` rows of xyxy network px and class scores: every class above the threshold is a candidate. */
export function collectDense(
  data: Float32Array,
  anchors: number,
  classes: number,
  threshold: number,
): Detections {
  const list = new CandidateList();
  const stride = 4 + classes;
  for (let a = 0, at = 0; a < anchors; a++, at += stride)
    for (let c = 0; c < classes; c++) {
      const score = data[at + 4 + c]!;
      if (score >= threshold)
        list.push(data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!, score, c);
    }
  return list.detections();
}

/**
 * YOLOX's raw head, `[A, 5 + C]` rows cx, cy, log w, log h (in strides, cell-relative), objectness and class scores;
 * levels at strides 8, 16, 32. Every class whose objectness · score reaches the threshold is a candidate.
 */
export function collectYolox(
  data: Float32Array,
  classes: number,
  threshold: number,
  widthPx: number,
  heightPx: number,
  strides: readonly number[],
): Detections {
  const list = new CandidateList();
  const row = 5 + classes;
  let at = 0;
  for (const stride of strides)
    for (let gy = 0; gy < heightPx / stride; gy++)
      for (let gx = 0; gx < widthPx / stride; gx++, at += row) {
        const objectness = data[at + 4]!;
        if (objectness < threshold) continue;
        const cx = (data[at]! + gx) * stride;
        const cy = (data[at + 1]! + gy) * stride;
        const hw = (Math.exp(data[at + 2]!) * stride) / 2;
        const hh = (Math.exp(data[at + 3]!) * stride) / 2;
        for (let c = 0; c < classes; c++) {
          const score = objectness * data[at + 5 + c]!;
          if (score >= threshold) list.push(cx - hw, cy - hh, cx + hw, cy + hh, score, c);
        }
      }
  return list.detections();
}

/**
 * Network px → source px, clipped to the image.
 * @returns `boxes` of every row, and the `rows` whose box still has an area (NaN has none)
 */
export function toSourceBoxes(
  { boxes, count }: Detections,
  { scale, padXPx, padYPx, sourceWidthPx, sourceHeightPx }: LetterboxTransform,
): { boxes: Float32Array; rows: number[] } {
  const out = new Float32Array(4 * count);
  const rows: number[] = [];
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 4; k += 2) {
      out[4 * i + k] = Math.min(sourceWidthPx, Math.max(0, (boxes[4 * i + k]! - padXPx) / scale));
      out[4 * i + k + 1] = Math.min(
        sourceHeightPx,
        Math.max(0, (boxes[4 * i + k + 1]! - padYPx) / scale),
      );
    }
    if (out[4 * i + 2]! > out[4 * i]! && out[4 * i + 3]! > out[4 * i + 1]!) rows.push(i);
  }
  return { boxes: out, rows };
}
