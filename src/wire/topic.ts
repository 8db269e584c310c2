import { z } from "zod";
import { EdgeDistillError } from "../base/index.js";
import { idSchema, streamNameSchema } from "./identity.js";

/** What may be published below a stream of a device. */
export const STREAM_KINDS = ["detections"] as const;
/** What a device publishes about itself. */
export const DEVICE_KINDS = ["state", "birth", "stats"] as const;
/** Every kind of message this version knows. */
export const MESSAGE_KINDS = [...STREAM_KINDS, ...DEVICE_KINDS] as const;

export type StreamKind = (typeof STREAM_KINDS)[number];
export type DeviceKind = (typeof DEVICE_KINDS)[number];
export type MessageKind = (typeof MESSAGE_KINDS)[number];

const PREFIX = "ed/v1";

/** `ed/v1/{site}/{group}/{device}`. */
export const SOURCE_PATTERN = /^ed\/v1(\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){3}$/;

/** Where a device stands. */
export const deviceAddressSchema = z.strictObject({
  site: idSchema,
  /** The production line, or the fleet of a drone. */
  group: idSchema,
  device: idSchema,
});
export type DeviceAddress = z.infer<typeof deviceAddressSchema>;

const topicSchema = z.discriminatedUnion("kind", [
  deviceAddressSchema.extend({ stream: streamNameSchema, kind: z.enum(STREAM_KINDS) }),
  deviceAddressSchema.extend({ kind: z.enum(DEVICE_KINDS) }),
]);

/** The parts of a topic: `ed/v1/{site}/{group}/{device}/[{stream}/]{kind}`. */
export type Topic = z.infer<typeof topicSchema>;

/**
 * Builds the topic of a message.
 * @throws WIRE_TOPIC when a part is missing or could change the meaning of the topic
 */
export function formatTopic(topic: Topic): string {
  const parts = checked(topicSchema, topic, () => `Topic of kind "${String(topic.kind)}"`);
  return [deviceLevels(parts), ...("stream" in parts ? [parts.stream] : []), parts.kind].join("/");
}

/**
 * Takes a topic apart.
 * @throws WIRE_TOPIC when it is none of ours, or of another version
 */
export function parseTopic(topic: string): Topic {
  const shown = JSON.stringify(topic.slice(0, 200));
  const levels = topic.slice(0, 1024).split("/");
  if (
    levels.length < 6 ||
    levels.length > 7 ||
    topic.length > 1024 ||
    !topic.startsWith(`${PREFIX}/`)
  )
    throw new EdgeDistillError(
      "WIRE_TOPIC",
      `The topic ${shown} is not ${PREFIX}/{site}/{line or fleet}/{device}/…/{kind}`,
      {
        hint: "Subscribe to topics built by topicFilter().",
        details: { topic: topic.slice(0, 200) },
      },
    );
  const [, , site, group, device, ...rest] = levels;
  const [stream, kind] = rest.length === 2 ? rest : [undefined, rest[0]];
  return checked(
    topicSchema,
    { site, group, device, kind, ...(stream === undefined ? {} : { stream }) },
    () => `The topic ${shown}`,
  );
}

/**
 * The levels by which a device is known, also the `source` of its messages: `ed/v1/{site}/{group}/{device}`.
 * @throws WIRE_TOPIC
 */
export function deviceSource({ site, group, device }: DeviceAddress): string {
  return deviceLevels(
    checked(deviceAddressSchema, { site, group, device }, () => "The address of a device"),
  );
}

/** What to subscribe to; a part left out stands for all. */
export interface TopicFilter {
  site?: string;
  group?: string;
  device?: string;
  /** Only for kinds published below a stream. */
  stream?: string;
}

/**
 * Builds the MQTT topic filter for one kind of message.
 * @throws WIRE_TOPIC
 */
export function topicFilter(
  kind: MessageKind,
  { site, group, device, stream }: TopicFilter = {},
): string {
  const level = (value: string | undefined): string =>
    value === undefined ? "+" : checked(idSchema, value, () => "A topic filter");
  const known = checked(z.enum(MESSAGE_KINDS), kind, () => "A topic filter");
  const levels = [PREFIX, level(site), level(group), level(device)];
  return [...levels, ...(isStreamKind(known) ? [level(stream)] : []), known].join("/");
}

/** Whether messages of this kind belong to a stream of a device rather than to the device itself. */
export function isStreamKind(kind: MessageKind): kind is StreamKind {
  return STREAM_KINDS.some((known) => known === kind);
}

function deviceLevels({ site, group, device }: DeviceAddress): string {
  return [PREFIX, site, group, device].join("/");
}

function checked<T>(schema: z.ZodType<T>, value: unknown, place: () => string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  throw new EdgeDistillError(
    "WIRE_TOPIC",
    `${place()} is refused${path === "" ? "" : ` at ${path}`}: ${issue?.message ?? "invalid"}`,
    {
      hint: "Use letters, digits, '.', '_' and '-' for sites, lines, devices and streams.",
      details: { path },
    },
  );
}
