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
 * filter, and a class by shape. Tuned by {@link tuneThresholdBaseline}.
 */
export interface ThresholdBaseline {
  options: ComponentOptions;
  /** Pixels added around a component's box. */
  growPx: number;
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
  return detectIn(greyField(pixels, widthPx, heightPx), baseline);
}

function detectIn(field: GreyField, { options, growPx, shapes }: ThresholdBaseline): Detections {
  const rows = findComponents(field, options).map((component) => {
    const posterior = classify(component, shapes);
    const classes = posterior.slice(0, -1);
    const score = Math.max(...classes);
    return { box: grown(component.box, field, growPx), score, classId: classes.indexOf(score) };
  });
  return {
    count: rows.length,
    boxes: Float32Array.from(rows.flatMap(({ box }) => [box.xMin, box.yMin, box.xMax, box.yMax])),
    boxFormat: "xyxy-px",
    scores: Float32Array.from(rows, (row) => row.score),
    classIds: Int32Array.from(rows, (row) => row.classId),
  };
}

/** Settings that are tried; the rest is fixed. */
const TRIED = {
  windowPx: [9, 15, 24],
  deviations: [1.2, 1.7, 2.2],
  leastGrey: [9, 16, 24],
  insetPx: [1, 4],
  closePx: [1, 3],
};

/**
 * Tunes the baseline on labelled pictures: tries every setting, fits the shapes of each class to the components that
 * overlap a label, and keeps the setting with the best mAP50 on these same pictures (which flatters it).
 * About 0.4 s a picture.
 */
export function tuneThresholdBaseline(
  pictures: readonly LabelledPicture[],
  { classCount }: { classCount: number },
): ThresholdBaseline {
  const fields = pictures.map(({ pixels, widthPx, heightPx }) =>
    greyField(pixels, widthPx, heightPx),
  );
  const truths = pictures.map((picture) => picture.annotations);
  let best: { baseline: ThresholdBaseline; map50: number } | undefined;
  for (const options of settings()) {
    const components = fields.map((field) => findComponents(field, options));
    const baseline = { options, growPx: 1, shapes: fitShapes(components, truths, classCount) };
    const detections = fields.map((field) => detectIn(field, baseline));
    const { map } = evaluateDetections(truths, detections, { classCount, iouThresholds: [0.5] });
    if (best === undefined || map > best.map50) best = { baseline, map50: map };
  }
  return (
    best?.baseline ?? {
      options: defaultOptions(),
      growPx: 1,
      shapes: fitShapes([], [], classCount),
    }
  );
}

function defaultOptions(): ComponentOptions {
  return {
    windowPx: 15,
    deviations: 1.7,
    leastGrey: 16,
    insetPx: 1,
    closePx: 1,
    smallestPx2: 12,
    sidePx: [8, 110],
  };
}

function* settings(): Generator<ComponentOptions> {
  for (const windowPx of TRIED.windowPx)
    for (const deviations of TRIED.deviations)
      for (const leastGrey of TRIED.leastGrey)
        for (const insetPx of TRIED.insetPx)
          for (const closePx of TRIED.closePx)
            yield { ...defaultOptions(), windowPx, deviations, leastGrey, insetPx, closePx };
}

/** What the class is told by; roughly normal in each. */
function measurements({
  box,
  areaPx2,
  contrast,
  brightShare,
  elongation,
  fill,
}: Component): number[] {
  const width = box.xMax - box.xMin;
  const height = box.yMax - box.yMin;
  return [
    Math.log(areaPx2),
    contrast,
    brightShare,
    Math.log(elongation),
    fill,
    Math.log(Math.max(width, height)),
  ];
}

/** Overlap with a label from which a component teaches that label's class. */
const TEACHING_IOU = 0.35;

function fitShapes(
  components: readonly (readonly Component[])[],
  truths: readonly (readonly Annotation[])[],
  classCount: number,
): ShapeModel[] {
  const rows: number[][][] = Array.from({ length: classCount + 1 }, () => []);
  for (const [i, found] of components.entries())
    for (const component of found) {
      const label = (truths[i] ?? []).find(
        ({ box }) => overlap(box, component.box) >= TEACHING_IOU,
      );
      rows[label?.classId ?? classCount]?.push(measurements(component));
    }
  const total = rows.reduce((sum, list) => sum + list.length, 0);
  return rows.map((list): ShapeModel => {
    const size = list[0]?.length ?? 6;
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

function grown(box: BoxXyxyPx, { widthPx, heightPx }: GreyField, by: number): BoxXyxyPx {
  return {
    xMin: Math.max(0, box.xMin - by),
    yMin: Math.max(0, box.yMin - by),
    xMax: Math.min(widthPx, box.xMax + by),
    yMax: Math.min(heightPx, box.yMax + by),
  };
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
