import { z } from "zod";

/** Levels of our own below a device; no stream may take their names. */
const RESERVED_STREAMS: readonly string[] = ["cmd", "twin", "state", "birth", "stats"];

/**
 * One level of a topic: a site, a production line or fleet, a device, a stream.
 * Letters, digits, `.`, `_` and `-`, at most 64, so that no id can widen a subscription (`+`, `#`), add a level (`/`)
 * or hide a character (NUL and the rest of Unicode).
 */
export const idSchema = z
  .string()
  .max(64, "must be at most 64 characters long")
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    "must start with a letter or digit and hold only letters, digits, '.', '_' and '-'",
  );

/** The name of a stream: an id that is none of the levels every device has. */
export const streamNameSchema = idSchema.refine((name) => !RESERVED_STREAMS.includes(name), {
  error: `must not be one of ${RESERVED_STREAMS.join(", ")}`,
});

/** One run of a publisher: 16 lower-case hexadecimal digits, random. */
export const bootIdSchema = z
  .string()
  .regex(/^[0-9a-f]{16}$/, "must be 16 lower-case hexadecimal digits");

export const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits");

/** Which model made a result. */
export const modelSchema = z.object({
  /** SHA-256 of the model file. */
  sha256: sha256Schema,
  /** Name of the bundle's variant, as in `student-int8-ort-cpu`. */
  variant: z.string().min(1).max(128),
});
export type ModelIdentity = z.infer<typeof modelSchema>;
