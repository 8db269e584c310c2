import { z } from "zod";
import { birthSchema, detectionsSchema, stateSchema, statsSchema } from "./payload.js";
import { MESSAGE_KINDS, SOURCE_PATTERN, type MessageKind } from "./topic.js";
import { messageId, type Trace } from "./trace.js";

const instant = z.iso.datetime({ error: "must be a UTC time such as 2026-11-24T08:30:00.000Z" });

const envelope = {
  specversion: z.literal("1.0"),
  /** `device:boot:seq`. */
  id: z.string().max(128),
  /** `ed/v1/{site}/{line or fleet}/{device}`. */
  source: z
    .string()
    .max(256)
    .regex(SOURCE_PATTERN, "must be ed/v1/{site}/{line or fleet}/{device}"),
  /** When it happened, by the device's wall clock: for detections, when the frame was captured. */
  time: instant,
  datacontenttype: z.literal("application/json"),
};

/** What ties the envelope to the trace within: the id, and the last level of the source. */
function isTraced({
  value,
  issues,
}: z.core.ParsePayload<{ id: string; source: string; data: { trace: Trace } }>): void {
  const { trace } = value.data;
  const id = messageId(trace);
  if (value.id !== id)
    issues.push({
      code: "custom",
      path: ["id"],
      input: value.id,
      message: `must be device:boot:seq of data.trace, "${id}"`,
    });
  if (!value.source.endsWith(`/${trace.device}`))
    issues.push({
      code: "custom",
      path: ["source"],
      input: value.source,
      message: `must be ed/v1/{site}/{line or fleet}/${trace.device}`,
    });
}

/** One schema a kind: what the bytes of an MQTT payload must hold (CloudEvents 1.0, structured JSON). */
export const messageSchemas = {
  detections: z
    .object({ ...envelope, type: z.literal(messageType("detections")), data: detectionsSchema })
    .check(isTraced),
  state: z
    .object({ ...envelope, type: z.literal(messageType("state")), data: stateSchema })
    .check(isTraced),
  birth: z
    .object({ ...envelope, type: z.literal(messageType("birth")), data: birthSchema })
    .check(isTraced),
  stats: z
    .object({ ...envelope, type: z.literal(messageType("stats")), data: statsSchema })
    .check(isTraced),
} as const satisfies Record<MessageKind, z.ZodType>;

/** A message of one kind. */
export type MessageOf<K extends MessageKind> = z.infer<(typeof messageSchemas)[K]>;
export type DetectionsMessage = MessageOf<"detections">;
export type StateMessage = MessageOf<"state">;
export type BirthMessage = MessageOf<"birth">;
export type StatsMessage = MessageOf<"stats">;
/** A message of any kind; `type` tells them apart. */
export type Message = DetectionsMessage | StateMessage | BirthMessage | StatsMessage;

/** CloudEvents `type` of a kind: `edge-distill.detections.v1`. */
export function messageType<K extends MessageKind>(kind: K): `edge-distill.${K}.v1` {
  return `edge-distill.${kind}.v1`;
}

/** The kind a CloudEvents `type` stands for, or undefined. */
export function messageKind(type: unknown): MessageKind | undefined {
  return MESSAGE_KINDS.find((kind) => messageType(kind) === type);
}
