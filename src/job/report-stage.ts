import { cpus } from "node:os";
import type { Dataset } from "../data/index.js";
import {
  judgeImages,
  runReport,
  worstImages,
  type ImageOutcome,
  type Picture,
  type PictureBox,
  type Report,
  type ReportSection,
} from "../evaluate/index.js";
import { decodeImage, encodeImage } from "../image/index.js";
import type { JobConfig } from "./config.js";
import type { Judged } from "./judge.js";
import type { TrainedNetwork } from "./networks.js";
import type { JobResult } from "./result.js";

export interface ReportInputs {
  config: JobConfig;
  heldOut: Dataset;
  result: JobResult;
  judged: { student: Judged; teacher?: Judged; scratch?: Judged; baseline?: Judged };
  networks: { teacher?: TrainedNetwork; student: TrainedNetwork; scratch?: TrainedNetwork };
  /** Score at which detections are drawn. */
  scoreThreshold: number;
  engineVersion: string;
}

const PICTURES = 6;

async function picture(inputs: ReportInputs, outcome: ImageOutcome): Promise<Picture | undefined> {
  const image = inputs.heldOut.images[outcome.image];
  const found = inputs.judged.student.detections[outcome.image];
  if (!image || !found) return undefined;
  const { pixels, widthPx, heightPx } = await decodeImage(image.path);
  const boxes: PictureBox[] = (image.annotations ?? []).map(({ box, classId }, i) => ({
    ...box,
    classId,
    role: outcome.found[i] ? "truth" : "missed",
  }));
  for (let i = 0; i < found.count; i++) {
    if ((found.scores[i] ?? 0) < inputs.scoreThreshold) continue;
    const [xMin = 0, yMin = 0, xMax = 0, yMax = 0] = found.boxes.subarray(4 * i, 4 * i + 4);
    const role = outcome.detections[i] === "correct" ? "correct" : "wrong";
    boxes.push({
      xMin,
      yMin,
      xMax,
      yMax,
      classId: found.classIds[i] ?? 0,
      score: found.scores[i] ?? 0,
      role,
    });
  }
  return {
    title: image.id,
    image: await encodeImage(pixels, { widthPx, heightPx, format: "jpeg", quality: 85 }),
    widthPx,
    heightPx,
    boxes,
  };
}

/** Mean over COCO's IoU thresholds, where those were judged. */
const meanOverIou = (judged: Judged | undefined): { map?: number } =>
  judged && judged.metrics.iouThresholds.length > 1 ? { map: judged.metrics.map } : {};

/** The job's report: what was made, how good it is, how it fails. */
export async function buildReport(inputs: ReportInputs): Promise<Report> {
  const { config, heldOut, result, judged, networks, scoreThreshold, engineVersion } = inputs;
  const truths = heldOut.images.map((image) => image.annotations ?? []);
  const { iouThreshold } = config.evaluation;
  const outcomes = judgeImages(truths, judged.student.detections, {
    classCount: heldOut.classes.length,
    iouThreshold,
    scoreThreshold,
  });
  const gallery = async (
    title: string,
    intro: string,
    chosen: readonly ImageOutcome[],
  ): Promise<ReportSection> => ({
    kind: "gallery",
    title,
    intro,
    classes: heldOut.classes,
    pictures: (await Promise.all(chosen.map((outcome) => picture(inputs, outcome)))).filter(
      (p) => p !== undefined,
    ),
  });
  const { teacher, student, scratch, baseline, stream } = result;
  return runReport({
    title: config.name,
    subtitle: `${String(heldOut.images.length)} held-out images; "mAP" is mean average precision at IoU ${String(iouThreshold)}`,
    createdAt: new Date().toISOString(),
    seconds: result.seconds,
    iouThreshold,
    classes: heldOut.classes,
    models: [
      {
        name: teacher.name,
        role: "teacher; its time is paid once",
        ...(teacher.params === null ? {} : { parameters: teacher.params }),
        ...(teacher.map50 === null ? {} : { map50: teacher.map50 }),
        ...meanOverIou(judged.teacher),
        ...(teacher.cpuSeconds === null ? {} : { cpuSeconds: teacher.cpuSeconds }),
      },
      {
        name: "student",
        role: "distilled, then fine-tuned",
        parameters: student.params,
        map50: student.map50,
        ...meanOverIou(judged.student),
        cpuSeconds: student.cpuSeconds,
        isResult: true,
      },
      ...(scratch
        ? [
            {
              name: "the same from scratch",
              role: "the same labels and CPU time",
              parameters: student.params,
              ...scratch,
              ...meanOverIou(judged.scratch),
            },
          ]
        : []),
      ...(baseline
        ? [
            {
              name: "threshold and components",
              role: "no learning of features",
              ...baseline,
              ...meanOverIou(judged.baseline),
            },
          ]
        : []),
    ],
    variants: result.variants.map(
      ({ name, precision, target, bytes, map50, ms, integerConvs, audited }) => ({
        name,
        precision,
        target,
        bytes,
        map50,
        ...(ms === null ? {} : { ms }),
        ...(audited ? { integerConvs } : {}),
        isChosen: name === stream?.variant,
      }),
    ),
    losses: [
      ...(networks.teacher?.curves ?? []),
      ...networks.student.curves,
      ...(networks.scratch?.curves ?? []),
    ].map(({ stage, history }) => ({
      name: stage,
      points: history.map((metrics, step) => [step, metrics["loss"] ?? NaN] as const),
    })),
    metrics: judged.student.metrics,
    stages: Object.entries(result.stageSeconds).map(([name, seconds]) => ({ name, seconds })),
    ...(stream ? { stream } : {}),
    galleries: [
      await gallery(
        "Detections on held-out frames",
        `The student's, at a score of ${scoreThreshold.toFixed(2)} and above.`,
        outcomes.filter(({ image }) => (truths[image]?.length ?? 0) > 0).slice(0, PICTURES),
      ),
      await gallery(
        "Worst mistakes",
        "Wrong detections of high score, and objects missed.",
        worstImages(outcomes, PICTURES),
      ),
    ],
    environment: {
      "ONNX Runtime": engineVersion,
      Node: process.version,
      CPU: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      seed: config.seed,
    },
  });
}
