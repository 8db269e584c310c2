import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import {
  EdgeDistillError,
  errorMessage,
  ioError,
  packagePath,
  readFileBytes,
} from "../base/index.js";

/** Ways to choose a tensor's range from what was observed; see {@link OBSERVERS}. */
export const CALIBRATION_METHODS = ["minmax", "percentile", "entropy", "mse"] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

/** A file of `calibration/`, field by field; unknown fields are refused. */
export const calibrationPresetSchema = z
  .strictObject({
    $schema: z.string().optional(),
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "use lower-case letters, digits, '.', '_' and '-'"),
    method: z.enum(CALIBRATION_METHODS),
    /** Images at most; the first so many of what the caller offers. */
    sampleCount: z.int().positive(),
    /** Names the caller's draw of the images. */
    seed: z.union([z.int(), z.string()]),
    activations: z.literal("per-tensor"),
    weights: z.literal("per-channel"),
    /** Share of values, in percent, that stay unclipped. */
    percentile: z.number().gt(50).max(100).optional(),
    /** Histogram bins on each side of zero. */
    bins: z.int().min(256).max(65536).optional(),
  })
  .refine((p) => p.method !== "percentile" || p.percentile !== undefined, {
    error: "is needed by the method percentile",
    path: ["percentile"],
  });

export type CalibrationPreset = z.infer<typeof calibrationPresetSchema>;

export interface PresetFolderOptions {
  /** Where the presets are. Default: the package's own `calibration/`. */
  folder?: string;
}

/** Ids of all presets, sorted. @throws IO_NOT_FOUND, IO_FAILED */
export async function calibrationPresetIds({
  folder = packagePath("calibration"),
}: PresetFolderOptions = {}): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files
      .filter((file) => file.endsWith(".json"))
      .map((file) => basename(file, ".json"))
      .sort();
  } catch (error) {
    throw ioError(error, folder, "reading");
  }
}

/**
 * Loads one preset.
 * @param idOrPath an id (`"default"`), or the path of a preset of one's own (ends in `.json`)
 * @throws QUANTIZE_PRESET_UNKNOWN, QUANTIZE_PRESET_INVALID, IO_NOT_FOUND, IO_FAILED
 */
export async function loadCalibrationPreset(
  idOrPath: string,
  { folder = packagePath("calibration") }: PresetFolderOptions = {},
): Promise<CalibrationPreset> {
  if (idOrPath.endsWith(".json")) return readPreset(idOrPath);
  const known = await calibrationPresetIds({ folder });
  if (!known.includes(idOrPath))
    throw new EdgeDistillError(
      "QUANTIZE_PRESET_UNKNOWN",
      `There is no calibration preset "${idOrPath}"; known: ${known.join(", ")}`,
      {
        hint: "Use one of these ids, or the path of a preset of your own.",
        details: { id: idOrPath, known },
      },
    );
  return readPreset(join(folder, `${idOrPath}.json`));
}

async function readPreset(path: string): Promise<CalibrationPreset> {
  const text = new TextDecoder().decode(await readFileBytes(path));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(path, "", errorMessage(error), error);
  }
  const parsed = calibrationPresetSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      path,
      issue?.path.map(String).join(".") ?? "",
      issue?.message ?? "",
      parsed.error,
    );
  }
  if (parsed.data.id !== basename(path, ".json"))
    throw invalid(path, "id", `is "${parsed.data.id}", yet the file is named ${basename(path)}`);
  return parsed.data;
}

function invalid(path: string, field: string, reason: string, cause?: unknown): EdgeDistillError {
  const place = field === "" ? path : `${path}, field ${field}`;
  return new EdgeDistillError(
    "QUANTIZE_PRESET_INVALID",
    `The calibration preset is wrong: ${place}: ${reason}`,
    {
      hint: "Correct this field; the presets in calibration/ show the form.",
      details: { path, field },
      cause,
    },
  );
}
