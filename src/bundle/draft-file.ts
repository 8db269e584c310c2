import { dirname, resolve } from "node:path";
import { z } from "zod";
import { EdgeDistillError, readFileBytes } from "../base/index.js";
import type { BundleDraft } from "./pack.js";

/** Only what differs from a manifest; the rest is checked as the manifest it becomes. */
const draftFileSchema = z.looseObject({
  variants: z.array(z.looseObject({ model: z.string().min(1) })).min(1),
  files: z.record(z.string(), z.string().min(1)).optional(),
});

/**
 * Reads what to pack from a JSON file: a manifest whose variants name their `model` file instead of hash and size, and
 * whose `files` map a name in the bundle to a path. Paths are relative to the JSON file.
 * @throws IO_NOT_FOUND, CONFIG_INVALID (dotted path)
 */
export async function readBundleDraft(
  path: string,
): Promise<{ draft: BundleDraft; files: Record<string, string> }> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(await readFileBytes(path)).toString("utf8"));
  } catch (cause) {
    if (cause instanceof EdgeDistillError) throw cause;
    throw new EdgeDistillError("CONFIG_INVALID", `${path} is not JSON`, {
      hint: "Give the JSON file that describes the bundle.",
      details: { path },
      cause,
    });
  }
  const parsed = draftFileSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = (issue?.path ?? []).map(String).join(".");
    throw new EdgeDistillError(
      "CONFIG_INVALID",
      `${path}: ${field || "the whole file"}: ${issue?.message ?? ""}`,
      {
        hint: `Correct "${field || "the file"}".`,
        details: { path, field },
        cause: parsed.error,
      },
    );
  }
  const at = (file: string): string => resolve(dirname(path), file);
  const { files = {}, variants, ...rest } = parsed.data;
  const draft: unknown = { ...rest, variants: variants.map((v) => ({ ...v, model: at(v.model) })) };
  return {
    // packBundle checks each field against the manifest's schema before it writes.
    draft: draft as BundleDraft,
    files: Object.fromEntries(Object.entries(files).map(([name, file]) => [name, at(file)])),
  };
}
