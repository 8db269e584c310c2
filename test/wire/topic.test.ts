import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTopic, MESSAGE_KINDS, parseTopic, topicFilter } from "../../src/wire/index.js";

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const stream = id.filter((name) => !["cmd", "twin", "state", "birth", "stats"].includes(name));

describe("topics", () => {
  it("are built and taken apart", () => {
    const topic = "ed/v1/plant/line-1/cam-7/north/detections";
    const parts = {
      site: "plant",
      group: "line-1",
      device: "cam-7",
      stream: "north",
      kind: "detections",
    } as const;
    expect(formatTopic(parts)).toBe(topic);
    expect(parseTopic(topic)).toEqual(parts);
    expect(parseTopic("ed/v1/plant/line-1/cam-7/state")).toEqual({
      site: "plant",
      group: "line-1",
      device: "cam-7",
      kind: "state",
    });
  });

  it.each([
    ["#", "#"],
    ["+", "+"],
    ["a slash", "a/b"],
    ["NUL", "a\u0000"],
    ["nothing", ""],
    ["a space", " "],
    ["a dot in front", "."],
    ["a dash in front", "-x"],
    ["a letter beyond ASCII", "ä"],
    ["a line break", "a\n"],
    ["65 letters", "x".repeat(65)],
    ["64 KiB", "x".repeat(65_536)],
  ])("refuse an id of %s in every place", (_, bad) => {
    const good = { site: "s", group: "g", device: "d" };
    for (const place of ["site", "group", "device", "stream"] as const) {
      const parts = { ...good, stream: "cam", kind: "detections" as const, [place]: bad };
      expect(() => formatTopic(parts)).toThrow(expect.objectContaining({ code: "WIRE_TOPIC" }));
      expect(() => topicFilter("detections", { [place]: bad })).toThrow(
        expect.objectContaining({ code: "WIRE_TOPIC" }),
      );
    }
    for (const topic of [
      `ed/v1/${bad}/g/d/state`,
      `ed/v1/s/g/${bad}/state`,
      `ed/v1/s/g/d/${bad}/detections`,
    ])
      expect(() => parseTopic(topic)).toThrow(expect.objectContaining({ code: "WIRE_TOPIC" }));
  });

  it.each([
    "",
    "ed/v1",
    "ed/v2/s/g/d/state",
    "ed/v1/s/g/d/unheard-of",
    "ed/v1/s/g/d/cam/state",
    "ed/v1/s/g/d/detections",
    "ed/v1/s/g/d/cmd/detections",
    "ed/v1/s/g/d/twin/detections",
    "ed/v1/s/g/d/cam/detections/more",
    "/ed/v1/s/g/d/state",
  ])("of others are refused: %j", (topic) => {
    expect(() => parseTopic(topic)).toThrow(expect.objectContaining({ code: "WIRE_TOPIC" }));
  });

  it("every topic built is taken apart into the same parts", () => {
    const parts = fc.oneof(
      fc.record({
        site: id,
        group: id,
        device: id,
        stream,
        kind: fc.constant("detections" as const),
      }),
      fc.record({
        site: id,
        group: id,
        device: id,
        kind: fc.constantFrom("state" as const, "birth" as const, "stats" as const),
      }),
    );
    fc.assert(
      fc.property(parts, (value) => {
        expect(parseTopic(formatTopic(value))).toEqual(value);
      }),
    );
  });

  it("no text is both accepted and rebuilt differently", () => {
    const nearly = fc
      .array(
        fc.oneof(id, fc.string({ maxLength: 5 }), fc.constantFrom("state", "detections", "+", "#")),
        { maxLength: 6 },
      )
      .map((levels) => ["ed/v1", ...levels].join("/"));
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        try {
          expect(formatTopic(parseTopic(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "WIRE_TOPIC" });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("are matched by the filter of their kind alone", () => {
    expect(MESSAGE_KINDS.map((kind) => topicFilter(kind))).toEqual([
      "ed/v1/+/+/+/+/detections",
      "ed/v1/+/+/+/state",
      "ed/v1/+/+/+/birth",
      "ed/v1/+/+/+/stats",
    ]);
    expect(topicFilter("detections", { site: "s", device: "d", stream: "cam" })).toBe(
      "ed/v1/s/+/d/cam/detections",
    );
    expect(topicFilter("state", { site: "s", stream: "cam" })).toBe("ed/v1/s/+/+/state");
  });
});
