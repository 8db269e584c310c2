import type { DetectionMetrics } from "../evaluate-detections.js";
import { areaTable, classTable, precisionRecallChart } from "./detection-sections.js";
import { formatValue } from "./format.js";
import type { Chart, Highlight, Point, Report, ReportSection, TableSection } from "./report.js";

/** One trained or classical detector, on the held-out images. */
export interface ModelRow {
  name: string;
  /** What it is, in a few words. */
  role?: string;
  parameters?: number;
  map50?: number;
  map?: number;
  /** CPU seconds that making it took. */
  cpuSeconds?: number;
  /** Set off from the others: the result. */
  isResult?: boolean;
}

/** One file of the bundle. */
export interface VariantRow {
  name: string;
  precision: string;
  target: string;
  bytes: number;
  map50: number;
  /** Median time of a run; `undefined` where this machine cannot run it. */
  ms?: number | undefined;
  /** Convolutions truly run in integers, of how many. */
  integerConvs?: readonly [number, number] | undefined;
  /** The runtime picked it for this device. */
  isChosen?: boolean;
}

export interface StageRow {
  name: string;
  seconds: number;
  budgetSeconds?: number;
}

/** One training's loss by step. */
export interface LossCurve {
  name: string;
  points: readonly Point[];
}

export interface StreamCounts {
  published: number;
  consumed: number;
  lost: number;
  duplicated: number;
  reconnects?: number;
}

/** What a run of the main job leaves to tell; whatever is absent has no section. */
export interface RunSummary {
  title: string;
  subtitle?: string;
  createdAt?: string;
  seconds?: number;
  /** The IoU that `map50` was measured at, if it is another: DeepPCB's 0.33. */
  iouThreshold?: number;
  classes: readonly string[];
  models: readonly ModelRow[];
  variants?: readonly VariantRow[];
  losses?: readonly LossCurve[];
  /** Of the student on the held-out images. */
  metrics?: DetectionMetrics;
  stages?: readonly StageRow[];
  stream?: StreamCounts;
  /** Shown after the figures: detections, mistakes. */
  galleries?: readonly ReportSection[];
  /** Shown last. */
  notes?: readonly ReportSection[];
  environment?: Readonly<Record<string, string | number>>;
}

/** The report of the main job: from models over variants and pictures to the stream. */
export function runReport(summary: RunSummary): Report {
  const { title, subtitle, createdAt, classes, models, metrics, environment } = summary;
  const { variants = [], losses = [], stages = [], galleries = [], notes = [], stream } = summary;
  const accuracy = accuracyName(summary.iouThreshold);
  const charts = [
    ...(losses.length > 0 ? [lossChart(losses)] : []),
    ...(metrics === undefined ? [] : [precisionRecallChart(metrics, classes)]),
    ...(variants.some(({ ms }) => ms !== undefined) ? [latencyChart(variants, accuracy)] : []),
  ];
  const sections: ReportSection[] = [
    modelTable(models, accuracy),
    ...(variants.length > 0 ? [variantTable(variants, accuracy)] : []),
    ...(charts.length > 0 ? [{ kind: "charts" as const, title: "Curves", charts }] : []),
    ...galleries,
    ...(metrics === undefined ? [] : [classTable(metrics, classes)]),
    ...(metrics?.areas.some(({ truths }) => truths > 0) === true ? [areaTable(metrics)] : []),
    ...(stream === undefined ? [] : [streamTable(stream)]),
    ...(stages.length > 0 ? [stageTable(stages)] : []),
    ...notes,
  ];
  return {
    title,
    ...(subtitle === undefined ? {} : { subtitle }),
    ...(createdAt === undefined ? {} : { createdAt }),
    highlights: runHighlights(summary),
    sections,
    ...(environment === undefined ? {} : { environment }),
  };
}

/** How the accuracy is called: `mAP50` at the usual threshold. */
const accuracyName = (iouThreshold = 0.5): string =>
  `mAP${iouThreshold === 0.5 ? "50" : ` at IoU ${String(iouThreshold)}`}`;

function runHighlights({
  models,
  variants = [],
  stream,
  seconds,
  iouThreshold,
}: RunSummary): Highlight[] {
  const accuracy = accuracyName(iouThreshold);
  const result = models.find(({ isResult = false }) => isResult);
  const chosen = variants.find(({ isChosen = false }) => isChosen);
  return [
    ...(result?.map50 === undefined
      ? []
      : [{ label: `${result.name}, ${accuracy}`, value: formatValue(result.map50, "percent") }]),
    ...(chosen === undefined
      ? []
      : [
          {
            label: `${chosen.name}, ${accuracy}`,
            value: formatValue(chosen.map50, "percent"),
            note: "chosen for this device",
          },
          {
            label: "Size",
            value: formatValue(chosen.bytes, "bytes"),
            ...(result?.parameters === undefined
              ? {}
              : { note: `${formatValue(result.parameters, "compact")} parameters` }),
          },
          ...(chosen.ms === undefined
            ? []
            : [{ label: "A run takes", value: formatValue(chosen.ms / 1000, "seconds") }]),
        ]),
    ...(stream === undefined
      ? []
      : [
          {
            label: "Messages lost",
            value: formatValue(stream.lost),
            note: `of ${formatValue(stream.published)} published`,
            tone: stream.lost === 0 ? ("good" as const) : ("bad" as const),
          },
        ]),
    ...(seconds === undefined
      ? []
      : [{ label: "Whole run", value: formatValue(seconds, "seconds") }]),
  ];
}

function modelTable(models: readonly ModelRow[], accuracy: string): TableSection {
  const withMean = models.some(({ map }) => map !== undefined);
  return {
    kind: "table",
    title: "Models",
    intro: "All on the same held-out images, mean average precision by the COCO protocol.",
    columns: [
      { label: "Model" },
      { label: "Parameters", format: "compact" },
      { label: accuracy, digits: 3, bar: 1 },
      ...(withMean ? [{ label: "mAP50-95", digits: 3, bar: 1 }] : []),
      { label: "CPU time", format: "seconds" },
    ],
    rows: models.map(({ name, role, parameters, map50, map, cpuSeconds }) => [
      role === undefined ? name : { value: name, note: role },
      parameters,
      map50,
      ...(withMean ? [map] : []),
      cpuSeconds,
    ]),
    emphasis: models.flatMap(({ isResult = false }, i) => (isResult ? [i] : [])),
  };
}

function variantTable(variants: readonly VariantRow[], accuracy: string): TableSection {
  const reference = variants.find(({ precision }) => precision === "fp32");
  return {
    kind: "table",
    title: "Variants in the bundle",
    intro: `Change is the difference of ${accuracy} to fp32, in points. Integer convolutions are those that the engine ran in integer kernels, counted in its profile. A run is the median over interleaved single-image runs.`,
    columns: [
      { label: "Variant" },
      { label: "Precision" },
      { label: "Target" },
      { label: "Size", format: "bytes", bar: "max" },
      { label: accuracy, digits: 3 },
      { label: "Change", format: "signed-percent" },
      { label: "Run", format: "seconds", bar: "max" },
      { label: "Integer convs", align: "right" },
    ],
    rows: variants.map((v) => {
      const change =
        reference === undefined || v === reference ? undefined : v.map50 - reference.map50;
      return [
        v.isChosen === true ? { value: v.name, note: "chosen for this device" } : v.name,
        v.precision,
        v.target,
        v.bytes,
        v.map50,
        change === undefined
          ? undefined
          : { value: change, ...(change < -0.02 ? { tone: "bad" as const } : {}) },
        v.ms === undefined ? undefined : v.ms / 1000,
        v.integerConvs === undefined
          ? undefined
          : `${String(v.integerConvs[0])} / ${String(v.integerConvs[1])}`,
      ];
    }),
    emphasis: variants.flatMap(({ isChosen = false }, i) => (isChosen ? [i] : [])),
  };
}

/** On a logarithmic axis when the losses of different stages are too far apart for a linear one. */
function lossChart(losses: readonly LossCurve[]): Chart {
  const levels = losses.map(({ points }) => points.at(-1)?.[1] ?? NaN).filter(Number.isFinite);
  const positive = losses.every(({ points }) => points.every(([, loss]) => !(loss <= 0)));
  const farApart = Math.max(...levels) > 8 * Math.min(...levels);
  return {
    title: "Loss",
    form: "line",
    x: { label: "step" },
    y: { label: "loss", scale: positive && farApart ? "log" : "linear" },
    series: losses.map(({ name, points }) => ({ name, points, noisy: true })),
  };
}

/** Ends of an axis on whole steps, so that small differences look small. */
function axisEnds(values: readonly number[], step: number): { min: number; max: number } {
  return {
    min: Math.max(0, step * Math.floor(Math.min(...values) / step - 0.2)),
    max: step * Math.ceil(Math.max(...values) / step + 0.2),
  };
}

function latencyChart(variants: readonly VariantRow[], accuracy: string): Chart {
  const timed = variants.filter(({ ms }) => ms !== undefined);
  const accuracies = axisEnds(
    timed.map(({ map50 }) => map50),
    0.05,
  );
  return {
    title: "Accuracy against latency",
    form: "scatter",
    x: { label: "ms a run (less is better)", min: 0 },
    y: { label: accuracy, format: "percent", ...accuracies },
    series: timed.map(({ name, ms = NaN, map50 }) => ({ name, points: [[ms, map50] as const] })),
  };
}

function streamTable({
  published,
  consumed,
  lost,
  duplicated,
  reconnects,
}: StreamCounts): TableSection {
  const none = (value: number) => ({
    value,
    tone: value === 0 ? ("good" as const) : ("bad" as const),
  });
  return {
    kind: "table",
    title: "Stream",
    intro: "Counted by the consumer from the sequence numbers in the messages.",
    columns: [
      { label: "Published", align: "left" as const },
      { label: "Consumed", align: "left" as const },
      { label: "Lost", align: "left" as const },
      { label: "Duplicated", align: "left" as const },
      ...(reconnects === undefined ? [] : [{ label: "Connections cut", align: "left" as const }]),
    ],
    rows: [
      [
        published,
        consumed,
        none(lost),
        none(duplicated),
        ...(reconnects === undefined ? [] : [reconnects]),
      ],
    ],
  };
}

function stageTable(stages: readonly StageRow[]): TableSection {
  const budgeted = stages.some(({ budgetSeconds }) => budgetSeconds !== undefined);
  return {
    kind: "table",
    title: "Time by stage",
    columns: [
      { label: "Stage" },
      { label: "Took", format: "seconds", bar: "max" },
      ...(budgeted ? [{ label: "Budget", format: "seconds" as const }] : []),
    ],
    rows: stages.map(({ name, seconds, budgetSeconds }) => [
      name,
      budgetSeconds !== undefined && seconds > 1.2 * budgetSeconds
        ? { value: seconds, tone: "warn" as const }
        : seconds,
      ...(budgeted ? [budgetSeconds] : []),
    ]),
  };
}
