import { z } from "zod";
import { EdgeDistillError } from "../base/index.js";
import { inputSpecSchema } from "../image/index.js";

/** Version of the manifest's own format; a reader refuses any other. */
export const BUNDLE_SCHEMA_VERSION = 1;

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "use lower-case letters, digits, '.', '_' and '-'");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits");
const instant = z.iso.datetime({ precision: 3 });
const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

/** A file below one of the two folders a bundle may have: no `..`, no absolute path, nothing deeper. */
const filePath = z
  .string()
  .regex(
    /^(variants|files)\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    "must be variants/NAME or files/NAME",
  );

const fileSchema = z.strictObject({ file: filePath, sha256, bytes: count });

const accuracySchema = z.strictObject({
  /** As in `map50`. */
  metric: z.string().min(1),
  value: z.number(),
  /** Number of held-out images it was measured on. */
  images: z.int().positive(),
  /** Bounds of the 95 % confidence interval. */
  interval: z.tuple([z.number(), z.number()]).optional(),
});

const variantSchema = z
  .strictObject({
    name,
    ...fileSchema.shape,
    precision: z.enum(["fp32", "fp16", "int8"]),
    /** The engine it was lowered for; `any` runs everywhere. */
    target: z.enum(["any", "ort-cpu", "tensorrt"]),
    /** Left out when nobody measured it. */
    accuracy: accuracySchema.optional(),
    /** Median of one image through the engine, on the machine described. */
    latency: z.strictObject({ ms: z.number().positive(), machine: z.string().min(1) }).optional(),
    /** Convolutions that the engine really runs as integers, and all of them. */
    integerConvs: z.tuple([count, count]).optional(),
    /** Multiply-accumulates in integer kernels over all. */
    integerMacShare: share.optional(),
    /** True when the two fields above were read off the graph the engine runs, not off the exported one. */
    audited: z.boolean(),
  })
  .refine((v) => !v.audited || (v.integerConvs !== undefined && v.integerMacShare !== undefined), {
    error: "an audited variant states integerConvs and integerMacShare",
    path: ["audited"],
  });

const statisticSchema = z.strictObject({
  mean: z.number(),
  standardDeviation: z.number().nonnegative(),
  p05: z.number(),
  p95: z.number(),
});

/** What `manifest.json` holds, field by field; unknown fields are refused. */
export const manifestSchema = z
  .strictObject({
    schemaVersion: z.literal(BUNDLE_SCHEMA_VERSION),
    name,
    version: z.string().min(1).max(64),
    createdAt: instant,
    task: z.literal("detect"),
    /** Class names in the order of the model's outputs. */
    classes: z.array(z.string().min(1)).min(1),
    input: inputSpecSchema,
    decoder: z.strictObject({
      id: z.string().min(1),
      scoreThreshold: share,
      iouThreshold: share,
      /** What only this decoder needs. */
      options: z.record(z.string(), z.json()).optional(),
    }),
    variants: z.array(variantSchema).min(1),
    /** Whatever else travels with the models: reports, licence texts. */
    files: z.array(fileSchema),
    calibration: z
      .strictObject({
        preset: z.string().min(1),
        method: z.string().min(1),
        images: count,
        /** Hash of the list of image hashes. */
        imagesSha256: sha256,
      })
      .optional(),
    training: z
      .strictObject({
        tool: z.string().min(1),
        recipe: z.string().min(1),
        seed: z.union([z.string(), z.number()]),
        labelledImages: count,
        unlabelledImages: count,
        seconds: z.number().nonnegative().optional(),
        student: z.strictObject({ name: z.string().min(1), parameters: count }),
        teacher: z.strictObject({ name: z.string().min(1), parameters: count, sha256 }).optional(),
      })
      .optional(),
    licences: z
      .strictObject({ model: z.string().min(1).optional(), data: z.string().min(1).optional() })
      .optional(),
    /** Statistics of the training images, by feature (`brightness` …), for drift alarms on the device. */
    drift: z
      .strictObject({ images: z.int().positive(), features: z.record(z.string(), statisticSchema) })
      .optional(),
  })
  .superRefine((manifest, context) => {
    unique(
      manifest.variants.map((v) => v.name),
      (i) => ["variants", i, "name"],
    );
    unique(manifest.classes, (i) => ["classes", i]);
    // Folders that ignore case would let one file stand for two.
    const variants = manifest.variants.length;
    unique(
      [...manifest.variants, ...manifest.files].map((f) => f.file.toLowerCase()),
      (i) => (i < variants ? ["variants", i, "file"] : ["files", i - variants, "file"]),
    );
    function unique(values: readonly string[], path: (index: number) => (string | number)[]): void {
      values.forEach((value, index) => {
        if (values.indexOf(value) < index)
          context.addIssue({
            code: "custom",
            message: `"${value}" is there twice`,
            path: path(index),
          });
      });
    }
  });

/** The content of a bundle, as signed. */
export type BundleManifest = z.infer<typeof manifestSchema>;
/** One model file of a bundle, with what was measured of it. */
export type BundleVariant = BundleManifest["variants"][number];
export type BundleAccuracy = z.infer<typeof accuracySchema>;

/**
 * Reads a manifest.
 * @param where the file's name, for errors
 * @throws BUNDLE_INVALID with the dotted path of the first wrong field
 */
export function parseManifest(bytes: Uint8Array, where: string): BundleManifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new EdgeDistillError("BUNDLE_INVALID", `${where} is not JSON`, {
      hint: "Pack the bundle again.",
      details: { path: where },
      cause,
    });
  }
  return checkManifest(value, where);
}

/** @throws BUNDLE_INVALID */
export function checkManifest(value: unknown, where: string): BundleManifest {
  const version = z.looseObject({ schemaVersion: z.unknown() }).safeParse(value)
    .data?.schemaVersion;
  if (typeof version === "number" && version !== BUNDLE_SCHEMA_VERSION)
    throw new EdgeDistillError(
      "BUNDLE_INVALID",
      `${where} has schemaVersion ${String(version)}; this version reads ${String(BUNDLE_SCHEMA_VERSION)}`,
      {
        hint: "Update edge-distill, or pack the bundle again with this version.",
        details: { path: where },
      },
    );
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const field = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])]
    .map(String)
    .join(".");
  throw new EdgeDistillError(
    "BUNDLE_INVALID",
    `${where}: ${field || "the whole file"}: ${issue?.message ?? "does not fit the schema"}`,
    { hint: `Correct "${field || "the file"}".`, details: { path: where, field } },
  );
}

/**
 * The manifest's bytes as they are written and signed: keys sorted at every level, two spaces, a newline at the end;
 * so the same content gives the same bytes.
 */
export function manifestBytes(manifest: BundleManifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(sorted(manifest), null, 2)}\n`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
