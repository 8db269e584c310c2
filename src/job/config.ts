import { z } from "zod";
import { dirname, resolve } from "node:path";
import { EdgeDistillError, errorMessage, readFileBytes } from "../base/index.js";
import { inputSpecSchema } from "../image/index.js";
import { ARCHITECTURES } from "../students/index.js";

const seconds = z.number().positive();
const side = z.int().min(32).max(2048).multipleOf(32);
const architectureId = z.enum(Object.keys(ARCHITECTURES) as [keyof typeof ARCHITECTURES]);

const dataSchema = z.strictObject({
  /** Layout on disk; see the data room. */
  format: z.enum(["coco", "yolo", "voc", "deeppcb"]),
  /** Folder, relative to the config file. `--data` overrides it. */
  root: z.string().min(1),
  /** The layout's names of the two parts; by default trainval/test (deeppcb), train/test (voc), train/val (coco, yolo). */
  trainSplit: z.string().min(1).optional(),
  heldOutSplit: z.string().min(1).optional(),
  /** YOLO: class names in order, or the file that lists them. */
  classes: z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).optional(),
  /** How many labelled training images are used; the rest count as unlabelled. Default: all. */
  labelledImages: z.int().positive().optional(),
  /** Names the draw of the labelled images, and the split where the data set has none of its own. */
  splitSeed: z.int().default(0),
  /** Further images without labels, a folder relative to the config file. */
  unlabelled: z.string().min(1).optional(),
});

const teacherSchema = z.strictObject({
  /** An ONNX file; relative to the config file. Without it a teacher is trained on the data. `--teacher` overrides it. */
  onnx: z.string().min(1).optional(),
  /** How that file wants its pixels; default: RGB, ImageNet normalization, the size its input declares. */
  input: inputSpecSchema.partial().optional(),
  architecture: architectureId.default("teacher"),
  /** CPU-independent wall seconds. */
  pretrainSeconds: seconds.default(60),
  trainSeconds: seconds.default(120),
});

const studentSchema = z.strictObject({
  architecture: architectureId.default("s"),
  distilSeconds: seconds.default(90),
  finetuneSeconds: seconds.default(30),
  /** Train the same student from scratch for the CPU time that distilling and fine-tuning took. */
  scratch: z.boolean().default(true),
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
    /** Training crops of this size are taken from the letterboxed image; default: the whole of it. */
    trainWidthPx: side.optional(),
    trainHeightPx: side.optional(),
  }),
  augment: z
    .strictObject({
      flipHorizontal: z.boolean().default(true),
      flipVertical: z.boolean().default(false),
      rotate90: z.boolean().default(false),
      /** Chance that labelled objects are pasted onto another image. */
      pasteProbability: z.number().min(0).max(1).default(0.5),
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
      /** IoU above which a detection counts: 0.5 for mAP50; DeepPCB's official metric takes 0.33. */
      iouThreshold: z.number().min(0.05).max(0.95).default(0.5),
      maxImages: z.int().positive().optional(),
    })
    .prefault({}),
  quantize: z.strictObject({ preset: z.string().min(1).default("default") }).prefault({}),
  device: z.string().min(1).default("auto"),
  stream: z
    .strictObject({
      /** mqtt://, mqtts://, ws:// or wss://. Without it an embedded broker is started. */
      brokerUrl: z.string().min(1).optional(),
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
