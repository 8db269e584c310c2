import type { Annotation } from "../data/index.js";

/**
 * IoU 0.50, 0.55 … 0.95. The ninth is the double below 0.9, as NumPy's linspace gives it to pycocotools: boxes that meet
 * at exactly 0.9 would otherwise be judged differently.
 */
export const COCO_IOU_THRESHOLDS: readonly number[] = [
  0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95,
];

/** Recalls at which precision is read: 0, 0.01 … 1, each `i * 0.01` in double as NumPy computes them. */
export const RECALL_POINTS: readonly number[] = Array.from({ length: 101 }, (_, i) => i * 0.01);

/** Bounds on an object's area, inclusive. */
export interface AreaRange {
  name: string;
  minPx2: number;
  maxPx2: number;
}

export const ALL_AREAS: AreaRange = { name: "all", minPx2: 0, maxPx2: 1e10 };

/** COCO's bins; objects outside a range are ignored there, neither asked for nor held against a detector. */
export const COCO_AREA_RANGES: readonly AreaRange[] = [
  { name: "small", minPx2: 0, maxPx2: 32 ** 2 },
  { name: "medium", minPx2: 32 ** 2, maxPx2: 96 ** 2 },
  { name: "large", minPx2: 96 ** 2, maxPx2: 1e10 },
];

/** Ground truth of one object. A crowd stands for many objects: it is ignored, and may be matched more than once. */
export interface TruthBox extends Annotation {
  crowd?: boolean;
}
