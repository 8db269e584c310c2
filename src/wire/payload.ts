import { z } from "zod";
import { idSchema, modelSchema, sha256Schema, streamNameSchema } from "./identity.js";
import { MESSAGE_KINDS } from "./topic.js";
import { traceSchema } from "./trace.js";

const count = z.int().nonnegative();
const ms = z.number().nonnegative();

/**
 * Results of one frame, by columns: entry `i` of every column belongs to detection `i`.
 * The names of the classes are in the device's birth message.
 */
export const detectionsSchema = z
  .object({
    trace: traceSchema,
    frame: z.object({
      /** The publisher's name of the frame: a file, or a running number. */
      id: z.string().min(1).max(512),
      widthPx: z.int().positive(),
      heightPx: z.int().positive(),
      /** SHA-256 of the image file; images themselves never travel in this topic. */
      sha256: sha256Schema.optional(),
    }),
    model: modelSchema,
    /** Milliseconds spent in each stage, as in `{ "decode": 3.1, "run": 9.4 }`. */
    latencyMs: z.record(z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/), ms),
    boxFormat: z.literal("xyxy-px"),
    count: count.max(100_000),
    /** `[count * 4]`: left, top, right, bottom of each box, pixels of the upright source image. */
    boxes: z.array(z.number()).max(400_000),
    /** `[count]`, 0 to 1. */
    scores: z.array(z.number().min(0).max(1)).max(100_000),
    /** `[count]`, indices into the class names of the birth message. */
    classIds: z.array(count).max(100_000),
  })
  .check(({ value, issues }) => {
    const columns = { boxes: value.count * 4, scores: value.count, classIds: value.count };
    for (const [name, expected] of Object.entries(columns) as [keyof typeof columns, number][])
      if (value[name].length !== expected)
        issues.push({
          code: "custom",
          path: [name],
          input: value[name].length,
          message: `has ${value[name].length} entries where count ${value.count} wants ${expected}`,
        });
  });

/** Whether a device is there. Retained; the offline form is also the last will. */
export const stateSchema = z.object({
  trace: traceSchema,
  status: z.enum(["online", "offline"]),
  /** Why it is offline: it said good-bye, or the broker lost it. */
  reason: z.enum(["closed", "connection-lost"]).optional(),
  /**
   * With a good-bye: the last number given out in each numbered topic of this boot, so that a consumer can prove that
   * nothing is missing at the end.
   */
  lastSequences: z
    .array(
      z.object({
        /** Without the device's own levels: `camera-1/detections`. */
        topic: z.string().min(1).max(200),
        sequence: z.int().positive(),
      }),
    )
    .max(10_000)
    .optional(),
});

/** What a device is and can do. Retained. */
export const birthSchema = z.object({
  trace: traceSchema,
  software: z.object({ name: z.string().min(1).max(64), version: z.string().min(1).max(64) }),
  /** Identifies the schemas the messages follow. */
  schemaSha256: sha256Schema,
  kinds: z.array(z.enum(MESSAGE_KINDS)),
  streams: z.array(
    z.object({ name: streamNameSchema, description: z.string().max(256).optional() }),
  ),
  model: modelSchema
    .extend({
      bundle: z
        .object({ name: z.string().min(1).max(64), version: z.string().min(1).max(64) })
        .optional(),
      precision: z.enum(["fp32", "fp16", "int8"]).optional(),
    })
    .optional(),
  /** In the order of `classIds`. */
  classNames: z.array(z.string().min(1).max(128)).max(10_000),
  /** Id of the device profile. */
  profile: idSchema.optional(),
});

/** Counters of the publisher since its boot. */
export const statsSchema = z.object({
  trace: traceSchema,
  uptimeMs: ms,
  /** Messages taken by the outbox. */
  published: count,
  /** Messages the broker answered for. */
  acknowledged: count,
  /** Messages the broker refused for good. */
  refused: count,
  /** Messages turned away because the outbox was full. */
  rejected: count,
  /** Connections made after the first. */
  reconnects: count,
  outbox: z.object({ messages: count, bytes: count, maxMessages: count, maxBytes: count }),
  residentBytes: count.optional(),
});

export type DetectionsPayload = z.infer<typeof detectionsSchema>;
export type StatePayload = z.infer<typeof stateSchema>;
export type BirthPayload = z.infer<typeof birthSchema>;
export type StatsPayload = z.infer<typeof statsSchema>;
