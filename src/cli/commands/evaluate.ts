import { resolve } from "node:path";
import { readFileBytes } from "../../base/index.js";
import { DATASET_FORMATS, loadDataset } from "../../data/index.js";
import { DECODERS } from "../../decode/index.js";
import { openEngine } from "../../engine/index.js";
import { detectDataset, evaluateDetections } from "../../evaluate/index.js";
import { inputSpec } from "../../image/index.js";
import { EVALUATION_SCORE, modelInputSpec, NMS_IOU } from "../../job/index.js";
import { parseModel } from "../../onnx/index.js";
import { defineCommand } from "../command.js";
import { table } from "../table.js";

export default defineCommand({
  name: "evaluate",
  description:
    "Runs a detector over labelled images and computes mean average precision as COCO defines it.",
  example: [
    "edge-distill evaluate demo-out/student.onnx --data demo-out/frames --format coco --split held-out",
  ],
  positionals: { model: { description: "The ONNX model", required: true } },
  options: {
    data: { type: "string", value: "DIR", description: "Folder of the data set", required: true },
    format: {
      type: "string",
      value: "NAME",
      description: "Layout on disk",
      default: "coco",
      choices: DATASET_FORMATS,
    },
    split: { type: "string", value: "NAME", description: "The layout's name of the part" },
    decoder: {
      type: "string",
      value: "ID",
      description: "How the outputs are read",
      default: "edge-distill-dense",
      choices: DECODERS.map(({ id }) => id),
    },
    pixels: {
      type: "string",
      value: "FORM",
      description: "How the model takes its pixels",
      default: "unit",
      choices: ["unit", "bgr255"],
    },
    iou: {
      type: "number",
      value: "X",
      description: "One IoU threshold instead of COCO's ten",
      min: 0.05,
      max: 0.95,
    },
  },
  async run(args, { signal, onProgress, result }) {
    const bytes = await readFileBytes(args.model);
    const { size } = modelInputSpec(parseModel(bytes, { name: args.model }), args.model);
    const dataset = await loadDataset({
      format: args.format as (typeof DATASET_FORMATS)[number],
      root: resolve(args.data),
      ...(args.split === undefined ? {} : { split: args.split }),
    });
    await using engine = await openEngine();
    await using session = await engine.createSession(bytes, { name: args.model });
    const detections = await detectDataset(session, dataset, {
      input: inputSpec({
        ...(args.pixels === "bgr255"
          ? { channels: "bgr" as const, scale: [1, 1, 1] as [number, number, number] }
          : {}),
        ...size,
      }),
      decoder: {
        decoder: args.decoder,
        scoreThreshold: EVALUATION_SCORE,
        iouThreshold: NMS_IOU,
      },
      onProgress,
      signal,
    });
    const truths = dataset.images.map(({ annotations = [] }) => annotations);
    const metrics = evaluateDetections(truths, detections, {
      classCount: dataset.classes.length,
      ...(args.iou === undefined ? {} : { iouThresholds: [args.iou] }),
    });
    const perClass = metrics.classes.map(({ classId, truths: count, ap, ap50 }) => ({
      name: dataset.classes[classId] ?? String(classId),
      truths: count,
      ap,
      ap50,
    }));
    const shown = (value: number): string => (Number.isNaN(value) ? "–" : value.toFixed(3));
    result(
      [
        table(
          ["class", "objects", "AP", "AP50"],
          perClass.map((c) => [c.name, String(c.truths), shown(c.ap), shown(c.ap50)]),
        ),
        `mAP ${shown(metrics.map)}, mAP50 ${shown(metrics.map50)} on ${String(metrics.images)} images`,
      ].join("\n"),
      { map: metrics.map, map50: metrics.map50, images: metrics.images, classes: perClass },
    );
  },
});
