import type { Annotation, BoxXyxyPx } from "../data/index.js";
import type { Detections } from "../decode/index.js";
import { evaluateDetections } from "./evaluate-detections.js";
import {
  findComponents,
  greyField,
  type Component,
  type ComponentOptions,
  type GreyField,
} from "./threshold-components.kernel.js";

/** A labelled picture, `[H, W, 3]` RGB. */
export interface LabelledPicture {
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
  annotations: readonly Annotation[];
}

/**
 * The classical detector that a learned one has to beat: a local threshold on the parts, connected components, size
 * filter, and a class by shape; one pass for fine marks, one for blobs. Tuned by {@link tuneThresholdBaseline}.
 */
export interface ThresholdBaseline {
  passes: readonly ThresholdPass[];
}

/** One threshold and what its components mean. */
export interface ThresholdPass {
  options: ComponentOptions;
  /** Shapes of each class, the last entry those of false alarms. */
  shapes: readonly ShapeModel[];
}

/** Independent normal distributions of a component's measurements, and how often it is met. */
interface ShapeModel {
  share: number;
  mean: readonly number[];
  deviation: readonly number[];
}

/** Finds defects in a picture. Scores are the probability of the class given the shape. */
export function detectByThreshold(
  { pixels, widthPx, heightPx }: Pick<LabelledPicture, "pixels" | "widthPx" | "heightPx">,
  baseline: ThresholdBaseline,
): Detections {
  return detectIn(fieldOf({ pixels, widthPx, heightPx }), baseline);
}

/** Overlap above which the weaker of two detections goes. */
const SAME_IOU = 0.4;

function detectIn(field: GreyField, { passes }: ThresholdBaseline): Detections {
  const rows = passes
    .flatMap(({ options, shapes }) =>
      findComponents(field, options).map((component) => {
        const classes = classify(component, shapes).slice(0, -1);
        const score = Math.max(...classes);
        return { box: scaled(component.box, field.shrink), score, classId: classes.indexOf(score) };
      }),
    )
    .sort((a, b) => b.score - a.score)
    .reduce<{ box: BoxXyxyPx; score: number; classId: number }[]>(
      (kept, row) =>
        kept.some(({ box }) => overlap(box, row.box) > SAME_IOU) ? kept : [...kept, row],
      [],
    );
  return {
    count: rows.length,
    boxes: Float32Array.from(rows.flatMap(({ box }) => [box.xMin, box.yMin, box.xMax, box.yMax])),
    boxFormat: "xyxy-px",
    scores: Float32Array.from(rows, (row) => row.score),
    classIds: Int32Array.from(rows, (row) => row.classId),
  };
}

/** Width at which it works, the same as small networks see. */
const WORKING_WIDTH_PX = 256;

function fieldOf({
  pixels,
  widthPx,
  heightPx,
}: Pick<LabelledPicture, "pixels" | "widthPx" | "heightPx">): GreyField {
  const shrink = Math.max(1, Math.round(widthPx / WORKING_WIDTH_PX));
  return greyField(pixels, widthPx, heightPx, shrink);
}

/** Settings tried, one after the other, the best kept; the rest is fixed. Lengths in pixels at the working width. */
const TRIED: Readonly<Partial<Record<keyof ComponentOptions, readonly number[]>>> = {
  deviations: [0.6, 1, 1.5],
  leastGrey: [6, 11, 18],
  insetPx: [0, 1, 2],
  closePx: [0, 1],
  fillPx: [4, 9],
  smallestPx2: [6, 16],
};

const START = {
  deviations: 1,
  leastGrey: 11,
  insetPx: 1,
  closePx: 1,
  fillPx: 4,
  smallestPx2: 6,
  sidePx: [4, 60],
} as const;

/** Half windows of the local mean: grooves and outlines stand out in a small one, blobs only in a large one. */
const WINDOWS_PX = [5, 14];

/**
 * Tunes the baseline on labelled pictures. Each pass tries one setting after the other and fits the shapes of each class
 * to the components that overlap a label; kept is what gives the best mAP50 on these same pictures (which flatters it).
 */
export function tuneThresholdBaseline(
  pictures: readonly LabelledPicture[],
  { classCount }: { classCount: number },
): ThresholdBaseline {
  const fields = pictures.map(fieldOf);
  const truths = pictures.map((picture) => picture.annotations);
  const rate = (passes: readonly ThresholdPass[]): Rated => {
    const detections = fields.map((field) => detectIn(field, { passes }));
    const { map50 } = evaluateDetections(truths, detections, {
      classCount,
      iouThresholds: [0.5],
      areaRanges: [],
    });
    return { passes, map50 };
  };
  const fit = (options: ComponentOptions): ThresholdPass => {
    const components = fields.map((field) =>
      findComponents(field, options).map((c) => ({ ...c, picture: scaled(c.box, field.shrink) })),
    );
    return { options, shapes: fitShapes(components, truths, classCount) };
  };
  const single = WINDOWS_PX.map((windowPx) => {
    let options: ComponentOptions = { ...START, windowPx };
    let best = rate([fit(options)]);
    for (const [name, values] of Object.entries(TRIED))
      for (const value of values) {
        const next = { ...options, [name]: value };
        const rated = rate([fit(next)]);
        if (rated.map50 <= best.map50) continue;
        best = rated;
        options = next;
      }
    return best;
  });
  const together = rate(single.flatMap(({ passes }) => passes));
  const { passes } = [...single, together].reduce((a, b) => (b.map50 > a.map50 ? b : a), together);
  return { passes };
}

interface Rated {
  passes: readonly ThresholdPass[];
  map50: number;
}

/** What the class is told by; roughly normal in each. */
function measurements({
  box,
  areaPx2,
  contrast,
  depth,
  brightShare,
  elongation,
  fill,
}: Component): number[] {
  const width = box.xMax - box.xMin;
  const height = box.yMax - box.yMin;
  return [
    Math.log(areaPx2),
    contrast,
    depth / 12,
    brightShare,
    Math.log(elongation),
    fill,
    Math.log(Math.max(width, height)),
  ];
}

/** Overlap with a label from which a component teaches that label's class. */
const TEACHING_IOU = 0.35;

function fitShapes(
  components: readonly (readonly (Component & { picture: BoxXyxyPx })[])[],
  truths: readonly (readonly Annotation[])[],
  classCount: number,
): ShapeModel[] {
  const rows: number[][][] = Array.from({ length: classCount + 1 }, () => []);
  for (const [i, found] of components.entries())
    for (const component of found) {
      const label = (truths[i] ?? []).find(
        ({ box }) => overlap(box, component.picture) >= TEACHING_IOU,
      );
      rows[label?.classId ?? classCount]?.push(measurements(component));
    }
  const total = rows.reduce((sum, list) => sum + list.length, 0);
  return rows.map((list): ShapeModel => {
    const size = list[0]?.length ?? 7;
    const mean = Array.from({ length: size }, (_, k) => average(list.map((row) => row[k] ?? 0)));
    const deviation = mean.map((m, k) =>
      Math.max(0.15, Math.sqrt(average(list.map((row) => ((row[k] ?? 0) - m) ** 2)))),
    );
    return { share: (list.length + 0.5) / (total + 0.5 * rows.length), mean, deviation };
  });
}

/** Probability of each entry of `shapes`, given a component. */
function classify(component: Component, shapes: readonly ShapeModel[]): number[] {
  const values = measurements(component);
  const logs = shapes.map(({ share, mean, deviation }) =>
    values.reduce((sum, value, k) => {
      const s = deviation[k] ?? 1;
      return sum - ((value - (mean[k] ?? 0)) / s) ** 2 / 2 - Math.log(s);
    }, Math.log(share)),
  );
  const most = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(log - most));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}

function scaled(box: BoxXyxyPx, by: number): BoxXyxyPx {
  return { xMin: box.xMin * by, yMin: box.yMin * by, xMax: box.xMax * by, yMax: box.yMax * by };
}

function overlap(a: BoxXyxyPx, b: BoxXyxyPx): number {
  const w = Math.min(a.xMax, b.xMax) - Math.max(a.xMin, b.xMin);
  const h = Math.min(a.yMax, b.yMax) - Math.max(a.yMin, b.yMin);
  if (w <= 0 || h <= 0) return 0;
  const both = w * h;
  return (
    both / ((a.xMax - a.xMin) * (a.yMax - a.yMin) + (b.xMax - b.xMin) * (b.yMax - b.yMin) - both)
  );
}
