import { z } from "zod";
import { dirname, resolve } from "node:path";
import { EdgeDistillError, errorMessage, readFileBytes } from "../base/index.js";
import { inputSpecSchema } from "../image/index.js";
import { ARCHITECTURES } from "../students/index.js";

const seconds = z.number().positive();
const side = z.int().min(32).max(2048).multipleOf(32);
const architectureId = z.enum(Object.keys(ARCHITECTURES) as [keyof typeof ARCHITECTURES]);

const dataSchema = z.strictObject({
  format: z.enum(["coco", "yolo", "voc", "deeppcb"]).describe("Layout on disk."),
  root: z.string().min(1).describe("Folder, relative to the config file. `--data` overrides it."),
  trainSplit: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The layout's names of the two parts; by default trainval/test (deeppcb), train/test (voc), train/val (coco, yolo).",
    ),
  heldOutSplit: z.string().min(1).optional(),
  classes: z
    .union([z.array(z.string().min(1)).min(1), z.string().min(1)])
    .optional()
    .describe("YOLO: class names in order, or the file that lists them."),
  labelledImages: z
    .int()
    .positive()
    .optional()
    .describe(
      "How many labelled training images are used; the rest count as unlabelled. Default: all.",
    ),
  splitSeed: z
    .int()
    .default(0)
    .describe(
      "Names the draw of the labelled images, and the split where the data set has none of its own.",
    ),
  unlabelled: z
    .string()
    .min(1)
    .optional()
    .describe("Further images without labels, a folder relative to the config file."),
});

const teacherSchema = z.strictObject({
  onnx: z
    .string()
    .min(1)
    .optional()
    .describe(
      "An ONNX file; relative to the config file. Without it a teacher is trained on the data. `--teacher` overrides it.",
    ),
  input: inputSpecSchema
    .partial()
    .optional()
    .describe(
      "How that file wants its pixels; default: RGB, ImageNet normalization, the size its input declares.",
    ),
  architecture: architectureId.default("teacher"),
  pretrainSeconds: seconds
    .default(60)
    .describe("Wall seconds of self-supervised pre-training on all images."),
  trainSeconds: seconds.default(120).describe("Wall seconds of training on the labelled images."),
});

const studentSchema = z.strictObject({
  architecture: architectureId.default("s"),
  distilSeconds: seconds.default(90).describe("Wall seconds of distillation on all images."),
  finetuneSeconds: seconds
    .default(30)
    .describe("Wall seconds of training on the labelled images afterwards."),
  scratch: z
    .boolean()
    .default(true)
    .describe(
      "Train the same student from scratch for the CPU time that distilling and fine-tuning took.",
    ),
});

/** What `edge-distill run --config FILE` reads. Paths are relative to the file. */
export const jobConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "use lower-case letters, digits, '.', '_' and '-'"),
  data: dataSchema,
  input: z.strictObject({
    widthPx: side,
    heightPx: side,
    trainWidthPx: side
      .optional()
      .describe(
        "Training crops of this size are taken from the letterboxed image; default: the whole of it.",
      ),
    trainHeightPx: side.optional(),
  }),
  augment: z
    .strictObject({
      flipHorizontal: z.boolean().default(true),
      flipVertical: z.boolean().default(false),
      rotate90: z.boolean().default(false),
      pasteProbability: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("Chance that labelled objects are pasted onto another image."),
    })
    .prefault({}),
  teacher: teacherSchema.prefault({}),
  student: studentSchema.prefault({}),
  training: z
    .strictObject({
      batch: z.int().min(1).max(64).default(8),
      learningRate: z.number().positive().default(2e-3),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      iouThreshold: z
        .number()
        .min(0.05)
        .max(0.95)
        .default(0.5)
        .describe(
          "IoU above which a detection counts: 0.5 for mAP50; DeepPCB's official metric takes 0.33.",
        ),
      maxImages: z.int().positive().optional(),
    })
    .prefault({}),
  quantize: z.strictObject({ preset: z.string().min(1).default("default") }).prefault({}),
  device: z.string().min(1).default("auto"),
  stream: z
    .strictObject({
      brokerUrl: z
        .string()
        .min(1)
        .optional()
        .describe("mqtt://, mqtts://, ws:// or wss://. Without it an embedded broker is started."),
      site: z.string().min(1).default("site"),
      line: z.string().min(1).default("line-1"),
      frames: z.int().positive().default(100),
    })
    .prefault({}),
  licences: z
    .strictObject({ model: z.string().min(1).optional(), data: z.string().min(1).optional() })
    .optional(),
  output: z.string().min(1).default("out"),
  seed: z.int().nonnegative().default(1),
});

export type JobConfig = z.infer<typeof jobConfigSchema>;
/** JSON Schema of a config file, for editors: draft 2020-12. */
export function jobConfigJsonSchema(): Record<string, unknown> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "edge-distill job",
    ...z.toJSONSchema(jobConfigSchema, { io: "input", target: "draft-2020-12" }),
  };
}

/** As a caller writes it: defaults may be left out. */
export type JobConfigInput = z.input<typeof jobConfigSchema>;

/**
 * Checks a config and resolves its paths against `folder`.
 * @throws CONFIG_INVALID with the file and the dotted path
 */
export function parseJobConfig(
  value: unknown,
  { where, folder }: { where: string; folder: string },
): JobConfig {
  const parsed = jobConfigSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const extra = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
    const field = [...(issue?.path ?? []), ...extra].map(String).join(".") || "the whole file";
    throw new EdgeDistillError(
      "CONFIG_INVALID",
      `${where}: ${field}: ${issue?.message ?? "does not fit"}`,
      {
        hint: `Correct "${field}".`,
        details: { path: where, field },
      },
    );
  }
  const { data } = parsed;
  const at = (path: string): string => resolve(folder, path);
  return {
    ...data,
    data: {
      ...data.data,
      root: at(data.data.root),
      ...(typeof data.data.classes === "string" ? { classes: at(data.data.classes) } : {}),
      ...(data.data.unlabelled === undefined ? {} : { unlabelled: at(data.data.unlabelled) }),
    },
    teacher: {
      ...data.teacher,
      ...(data.teacher.onnx === undefined ? {} : { onnx: at(data.teacher.onnx) }),
    },
    output: at(data.output),
  };
}

/** @throws IO_NOT_FOUND, CONFIG_INVALID */
export async function loadJobConfig(path: string): Promise<JobConfig> {
  const text = new TextDecoder().decode(await readFileBytes(path));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EdgeDistillError("CONFIG_INVALID", `${path} is not JSON: ${errorMessage(error)}`, {
      hint: "Correct the syntax at the place named.",
      details: { path },
      cause: error,
    });
  }
  return parseJobConfig(value, { where: path, folder: dirname(resolve(path)) });
}
