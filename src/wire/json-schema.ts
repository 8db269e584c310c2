import { z } from "zod";
import { messageSchemas, messageType } from "./message.js";
import { MESSAGE_KINDS, type MessageKind } from "./topic.js";

/** A JSON Schema document, draft 2020-12. */
export type JsonSchema = Record<string, unknown>;

/**
 * The JSON Schema of each kind of message, generated from the zod schemas. What JSON Schema cannot say (the columns'
 * lengths against `count`, the id against the trace) is left to the codec.
 */
export function messageJsonSchemas(): Record<MessageKind, JsonSchema> {
  const documents = MESSAGE_KINDS.map((kind): [MessageKind, JsonSchema] => [
    kind,
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: messageType(kind),
      ...z.toJSONSchema(messageSchemas[kind], { io: "input", target: "draft-2020-12" }),
    },
  ]);
  return Object.fromEntries(documents) as Record<MessageKind, JsonSchema>;
}
