import type { z } from "zod";
import { EdgeDistillError, errorMessage } from "../base/index.js";
import { messageKind, messageSchemas, messageType, type Message } from "./message.js";
import { deviceSource, MESSAGE_KINDS, parseTopic } from "./topic.js";

/** Content type of every payload: CloudEvents 1.0 in structured mode. */
export const CONTENT_TYPE = "application/cloudevents+json; charset=utf-8";

/** Payloads above this are refused unread. */
const DEFAULT_MAX_BYTES = 1024 * 1024;

/**
 * Message → UTF-8 JSON. Checked against its schema first, so that nothing invalid (a NaN score, a column too short)
 * leaves the device.
 * @throws WIRE_INVALID naming the dotted path
 */
export function encodeMessage(message: Message): Uint8Array {
  const result = messageSchemas[requireKind(message.type)].safeParse(message);
  if (!result.success) throw invalid(result.error, "The message to be sent", undefined);
  return new TextEncoder().encode(JSON.stringify(message));
}

/**
 * UTF-8 JSON → message. Fields this version does not know are left out of the result, so that newer devices may add some.
 * @param topic where it arrived: the message must be of that device and that kind
 * @throws WIRE_INVALID naming the dotted path, WIRE_TOPIC
 */
export function decodeMessage(
  bytes: Uint8Array,
  { topic, maxBytes = DEFAULT_MAX_BYTES }: { topic?: string; maxBytes?: number } = {},
): Message {
  const place =
    topic === undefined ? "The message" : `The message on ${JSON.stringify(topic.slice(0, 200))}`;
  const address = topic === undefined ? undefined : parseTopic(topic);
  if (bytes.byteLength > maxBytes)
    throw wireError(
      place,
      "",
      `${bytes.byteLength} bytes are more than the ${maxBytes} allowed`,
      topic,
    );
  const value = parseJson(bytes, place, topic);
  const type =
    typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const result = messageSchemas[requireKind(type, place, topic)].safeParse(value);
  if (!result.success) throw invalid(result.error, place, topic);
  const message = result.data;
  if (address !== undefined) {
    if (message.type !== messageType(address.kind))
      throw wireError(place, "type", `"${message.type}" does not belong there`, topic);
    if (message.source !== deviceSource(address))
      throw wireError(place, "source", `"${message.source}" is another device`, topic);
  }
  return message;
}

function parseJson(bytes: Uint8Array, place: string, topic: string | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw wireError(
      place,
      "",
      `is not UTF-8 JSON: ${errorMessage(error).slice(0, 120)}`,
      topic,
      error,
    );
  }
}

function requireKind(type: unknown, place = "The message to be sent", topic?: string) {
  const kind = messageKind(type);
  if (kind !== undefined) return kind;
  const shown =
    typeof type === "string" ? JSON.stringify(type.slice(0, 80)) : `of type ${typeof type}`;
  throw wireError(
    place,
    "type",
    `${shown} is none of ${MESSAGE_KINDS.map(messageType).join(", ")}`,
    topic,
  );
}

function invalid(error: z.ZodError, place: string, topic: string | undefined): EdgeDistillError {
  const issue = error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  return wireError(place, path, issue?.message ?? "invalid", topic, error);
}

function wireError(
  place: string,
  path: string,
  fact: string,
  topic: string | undefined,
  cause?: unknown,
): EdgeDistillError {
  return new EdgeDistillError(
    "WIRE_INVALID",
    `${place} is invalid${path === "" ? "" : ` at ${path.slice(0, 200)}`}: ${fact}`,
    {
      hint: "Compare it with docs/schemas, and the version of the device with that of the consumer.",
      details: {
        path: path.slice(0, 200),
        ...(topic === undefined ? {} : { topic: topic.slice(0, 200) }),
      },
      cause,
    },
  );
}
