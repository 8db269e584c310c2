import { basename, join } from "node:path";
import { readFileBytes, writeFilesAtomic } from "../../base/index.js";
import { loadDataset } from "../../data/index.js";
import { openEngine } from "../../engine/index.js";
import {
  IMAGENET_NORMALIZATION,
  inputSpec,
  prepareInput,
  type InputSpec,
} from "../../image/index.js";
import { parseModel } from "../../onnx/index.js";
import { loadCalibrationPreset, quantizeVariants, type Feeds } from "../../quantize/index.js";
import { modelInputSpec } from "../../job/index.js";
import { defineCommand } from "../command.js";
import { formatBytes, table } from "../table.js";

const TARGETS = ["ort-cpu", "tensorrt"] as const;

async function* samples(
  paths: readonly string[],
  name: string,
  spec: InputSpec,
): AsyncGenerator<Feeds> {
  for (const path of paths) yield { [name]: (await prepareInput(path, spec)).tensor };
}

export default defineCommand({
  name: "quantize",
  description:
    "Makes fp32, fp16 and int8 variants of any ONNX vision model, calibrated on a folder of images, and reads back from the engine which convolutions really run as integers.",
  example: [
    "edge-distill quantize demo-out/student.onnx --images demo-out/frames/unlabelled --out variants",
  ],
  positionals: { model: { description: "The float32 ONNX model", required: true } },
  options: {
    images: {
      type: "string",
      value: "DIR",
      description: "Calibration images, at least 8",
      required: true,
    },
    out: { type: "string", value: "DIR", description: "Folder for the variants", required: true },
    target: {
      type: "string",
      value: "NAME",
      description: "ort-cpu or tensorrt; default: both",
      multiple: true,
      choices: TARGETS,
    },
    preset: {
      type: "string",
      value: "ID",
      description: "Calibration preset: an id of calibration/, or a file",
      default: "default",
    },
    pixels: {
      type: "string",
      value: "FORM",
      description: "How the model takes its pixels",
      default: "unit",
      choices: ["unit", "imagenet", "bgr255"],
    },
    "reduce-range": { type: "boolean", description: "7-bit weights, for x64 CPUs without VNNI" },
  },
  async run(args, { signal, onProgress, logger, result }) {
    const bytes = await readFileBytes(args.model);
    const { name, size } = modelInputSpec(parseModel(bytes, { name: args.model }), args.model);
    const forms: Record<string, Partial<InputSpec>> = {
      unit: {},
      imagenet: IMAGENET_NORMALIZATION,
      bgr255: { channels: "bgr", scale: [1, 1, 1] },
    };
    const spec = inputSpec({ ...forms[args.pixels], ...size });
    const preset = await loadCalibrationPreset(args.preset);
    const { images } = await loadDataset({ format: "folder", root: args.images });
    const paths = images.map(({ path }) => path).slice(0, preset.sampleCount);
    await using engine = await openEngine();
    const targets = TARGETS.filter(
      (t) => args.target === undefined || args.target.length === 0 || args.target.includes(t),
    );
    const { variants, calibration } = await quantizeVariants(bytes, {
      engine,
      preset,
      targets,
      calibrationSamples: samples(paths, name, spec),
      reduceRange: args["reduce-range"],
      name: basename(args.model),
      onProgress,
      signal,
    });
    await writeFilesAtomic(
      variants.map((v) => [join(args.out, `${v.name}.onnx`), v.bytes] as const),
    );
    for (const variant of variants)
      for (const note of variant.notes) logger.info(`${variant.name}: ${note}`);
    const rows = variants.map((v) => ({
      name: v.name,
      precision: v.precision,
      target: v.target,
      bytes: v.bytes.byteLength,
      integerConvs: v.integerConvs,
      integerMacShare: v.integerMacShare,
      audited: v.audited,
    }));
    result(
      table(
        ["variant", "target", "size", "integer convs", "integer MACs"],
        rows.map((v) => [
          v.name,
          v.target,
          formatBytes(v.bytes),
          `${v.integerConvs.join("/")}${v.audited ? "" : " (unaudited)"}`,
          `${(100 * v.integerMacShare).toFixed(1)} %`,
        ]),
      ),
      { variants: rows, calibration },
    );
  },
});
