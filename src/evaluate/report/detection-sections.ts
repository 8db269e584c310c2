import { RECALL_POINTS } from "../coco-protocol.js";
import type { DetectionMetrics } from "../evaluate-detections.js";
import type { Chart, Series, TableSection } from "./report.js";

/**
 * Per-class figures as a table, the best class first.
 * @param classes names, indexed by class id
 */
export function classTable(
  metrics: DetectionMetrics,
  classes: readonly string[],
  { title = "By class" }: { title?: string } = {},
): TableSection {
  const rows = metrics.classes
    .filter(({ truths }) => truths > 0)
    .sort((a, b) => (b.apAt[0] ?? 0) - (a.apAt[0] ?? 0));
  const several = metrics.iouThresholds.length > 1;
  const iou = metrics.iouThresholds[0] ?? NaN;
  return {
    kind: "table",
    title,
    intro: `Average precision by the COCO protocol on ${String(metrics.images)} images with ${String(metrics.truths)} objects. Precision, recall and F1 stand at the score that gives the best F1 at IoU ${String(iou)}.`,
    columns: [
      { label: "Class" },
      { label: "Objects" },
      { label: `AP at IoU ${String(iou)}`, digits: 3, bar: 1 },
      ...(several ? [{ label: "AP, mean over IoU", digits: 3 }] : []),
      { label: "Precision", format: "percent" as const },
      { label: "Recall", format: "percent" as const },
      { label: "F1", format: "percent" as const },
      { label: "at score", digits: 2 },
    ],
    rows: rows.map(({ classId, truths, ap, apAt, best }) => [
      classes[classId] ?? `class ${String(classId)}`,
      truths,
      apAt[0],
      ...(several ? [ap] : []),
      best?.precision,
      best?.recall,
      best?.f1,
      best?.scoreThreshold,
    ]),
  };
}

/** Precision over recall at the first IoU threshold: the mean over classes, and each class when there are few. */
export function precisionRecallChart(metrics: DetectionMetrics, classes: readonly string[]): Chart {
  const curves = metrics.classes.flatMap(({ classId, curve }) =>
    curve === undefined ? [] : [{ name: classes[classId] ?? String(classId), curve }],
  );
  const line = (name: string, precision: (r: number) => number): Series => ({
    name,
    points: RECALL_POINTS.map((recall, r) => [recall, precision(r)] as const),
  });
  const mean = line(
    "mean over classes",
    (r) => curves.reduce((sum, { curve }) => sum + (curve.precision[r] ?? 0), 0) / curves.length,
  );
  const own = curves.map(({ name, curve }) => line(name, (r) => curve.precision[r] ?? 0));
  const series =
    curves.length === 0 ? [] : own.length > 1 && own.length < 6 ? [mean, ...own] : [mean];
  return {
    title: `Precision and recall at IoU ${String(metrics.iouThresholds[0] ?? "")}`,
    form: "line",
    x: { label: "recall", min: 0, max: 1, format: "percent" },
    y: { label: "precision", min: 0, max: 1, format: "percent" },
    series,
  };
}

/** Figures by object area. */
export function areaTable(
  metrics: DetectionMetrics,
  { title = "By object size" }: { title?: string } = {},
): TableSection {
  const [iou = NaN, ...others] = metrics.iouThresholds;
  const several = others.length > 0;
  return {
    kind: "table",
    title,
    intro: "COCO's bins: small is under 32² px, medium under 96² px of the source image.",
    columns: [
      { label: "Size" },
      { label: "Objects" },
      ...(several ? [{ label: "mAP50", digits: 3, bar: 1 }] : []),
      { label: several ? "mAP50-95" : `mAP at IoU ${String(iou)}`, digits: 3, bar: 1 },
      { label: "Average recall", digits: 3, bar: 1 },
    ],
    rows: metrics.areas.map((a) => [
      a.name,
      a.truths,
      ...(several ? [a.map50] : []),
      a.map,
      a.averageRecall,
    ]),
  };
}
