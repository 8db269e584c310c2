import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import {
  decodeMessage,
  encodeMessage,
  messageSchemas,
  type DetectionsMessage,
} from "../../src/wire/index.js";
import { detectionsMessage, jsonBytes, stateMessage } from "./sample.js";

const TOPIC = "ed/v1/plant/line-1/cam-7/north/detections";

function failure(act: () => unknown): EdgeDistillError {
  try {
    act();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  throw new Error("did not fail");
}

describe("decodeMessage", () => {
  it("gives back what was encoded", () => {
    const message = detectionsMessage();
    expect(decodeMessage(encodeMessage(message), { topic: TOPIC })).toEqual(message);
  });

  it.each([
    ["data.scores.1", { scores: [0.5, 1.5] }],
    ["data.boxes", { boxes: [1, 2, 3, 4] }],
    ["data.classIds", { classIds: [1] }],
    ["data.count", { count: -1 }],
    ["data.frame.widthPx", { frame: { id: "x", widthPx: 0, heightPx: 1 } }],
    ["data.model.sha256", { model: { sha256: "zz", variant: "v" } }],
    ["data.latencyMs.run", { latencyMs: { run: -1 } }],
    ["data.boxFormat", { boxFormat: "xywh" }],
    ["data.trace.boot", { trace: { ...detectionsMessage().data.trace, boot: "not-hex" } }],
  ])("names the dotted path %s", (path, change) => {
    const { data, ...envelope } = detectionsMessage();
    const error = failure(() =>
      decodeMessage(jsonBytes({ ...envelope, data: { ...data, ...change } })),
    );
    expect(error.code).toBe("WIRE_INVALID");
    expect(error.details["path"]).toBe(path);
    expect(error.message).toContain(` at ${path}:`);
  });

  it.each([
    ["id", { id: "cam-7:0123456789abcdef:43" }],
    ["source", { source: "ed/v1/plant/line-1/cam-8" }],
    ["source", { source: "ed/v1/plant/+/cam-7" }],
    ["time", { time: "yesterday" }],
    ["specversion", { specversion: "0.3" }],
    ["type", { type: "edge-distill.verdict.v9" }],
    ["type", { type: "constructor" }],
    ["type", { type: undefined }],
  ])("refuses an envelope whose %s is wrong", (path, change) => {
    const error = failure(() => decodeMessage(jsonBytes({ ...detectionsMessage(), ...change })));
    expect(error).toMatchObject({ code: "WIRE_INVALID", details: { path } });
  });

  it("refuses a message of another device or kind than its topic", () => {
    const bytes = encodeMessage(detectionsMessage());
    const other = failure(() => decodeMessage(bytes, { topic: TOPIC.replace("cam-7", "cam-8") }));
    expect(other).toMatchObject({ code: "WIRE_INVALID", details: { path: "source" } });
    const state = failure(() => decodeMessage(encodeMessage(stateMessage()), { topic: TOPIC }));
    expect(state).toMatchObject({ code: "WIRE_INVALID", details: { path: "type" } });
  });

  it("leaves out fields it does not know", () => {
    const { data, ...envelope } = detectionsMessage();
    const newer = {
      ...envelope,
      subject: "x",
      data: { ...data, masks: [1], trace: { ...data.trace, new: 1 } },
    };
    expect(decodeMessage(jsonBytes(newer))).toEqual(detectionsMessage());
  });

  it("refuses bytes that are not UTF-8 JSON, and more bytes than allowed", () => {
    expect(failure(() => decodeMessage(new Uint8Array([0xff, 0xfe]))).code).toBe("WIRE_INVALID");
    expect(failure(() => decodeMessage(new TextEncoder().encode("{"))).code).toBe("WIRE_INVALID");
    const bytes = encodeMessage(detectionsMessage());
    const error = failure(() => decodeMessage(bytes, { maxBytes: bytes.byteLength - 1 }));
    expect(error.message).toContain(`${bytes.byteLength} bytes`);
  });

  it("is not moved by prototype names or deep nesting", () => {
    const text = JSON.stringify(detectionsMessage()).replace(
      '"latencyMs":{',
      '"latencyMs":{"__proto__":{"x":1},',
    );
    const decoded = decodeMessage(new TextEncoder().encode(text));
    expect(Object.getPrototypeOf({})).not.toHaveProperty("x");
    expect(decoded.data).not.toHaveProperty("x");
    const deep = `{"type":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    expect(failure(() => decodeMessage(new TextEncoder().encode(deep))).code).toBe("WIRE_INVALID");
  });
});

describe("encodeMessage", () => {
  it("lets nothing invalid out", () => {
    const error = failure(() => encodeMessage(detectionsMessage({ scores: [0.9, Number.NaN] })));
    expect(error).toMatchObject({ code: "WIRE_INVALID", details: { path: "data.scores.1" } });
  });
});

describe("property", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
  const message = fc
    .record({
      site: id,
      group: id,
      device: id,
      boot: fc.stringMatching(/^[0-9a-f]{16}$/),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      topicSeq: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
      monotonicNs: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
      clock: fc.constantFrom("synced" as const, "unsynced" as const, "unknown" as const),
      time: fc
        .date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true })
        .map((date) => date.toISOString()),
      frameId: fc.string({ minLength: 1, maxLength: 100 }),
      rows: fc.array(
        fc.record({
          box: fc.tuple(finite(), finite(), finite(), finite()),
          score: fc.double({ min: 0, max: 1, noNaN: true }),
          classId: fc.nat(),
        }),
        { maxLength: 20 },
      ),
    })
    .map(
      ({
        site,
        group,
        device,
        boot,
        seq,
        topicSeq,
        monotonicNs,
        clock,
        time,
        frameId,
        rows,
      }): DetectionsMessage => ({
        specversion: "1.0",
        id: `${device}:${boot}:${seq}`,
        source: `ed/v1/${site}/${group}/${device}`,
        type: "edge-distill.detections.v1",
        time,
        datacontenttype: "application/json",
        data: {
          trace: {
            device,
            boot,
            seq,
            ...(topicSeq === undefined ? {} : { topicSeq }),
            monotonicNs,
            clock,
          },
          frame: { id: frameId, widthPx: 640, heightPx: 480 },
          model: { sha256: "0".repeat(64), variant: "v" },
          latencyMs: {},
          boxFormat: "xyxy-px",
          count: rows.length,
          boxes: rows.flatMap(({ box }) => box),
          scores: rows.map(({ score }) => score),
          classIds: rows.map(({ classId }) => classId),
        },
      }),
    );

  it("every valid message survives the round trip", () => {
    fc.assert(
      fc.property(message, (value) => {
        // -0 becomes 0 in JSON.
        expect(decodeMessage(encodeMessage(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    );
  });

  it("whatever comes in gives a valid message or WIRE_INVALID", () => {
    const text = JSON.stringify(detectionsMessage());
    const mutated = fc
      .record({
        at: fc.nat({ max: text.length - 1 }),
        cut: fc.nat({ max: 12 }),
        put: fc.string({ maxLength: 6 }),
      })
      .map(({ at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut));
    const input = fc.oneof(
      mutated.map((value) => new TextEncoder().encode(value)),
      fc.json().map((value) => new TextEncoder().encode(value)),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(input, (bytes) => {
        try {
          const decoded = decodeMessage(bytes);
          const kind = decoded.type.split(".")[1] as keyof typeof messageSchemas;
          expect(messageSchemas[kind].safeParse(decoded).success).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "WIRE_INVALID" });
        }
      }),
      { numRuns: 3000 },
    );
  });

  function finite() {
    return fc.double({ noNaN: true, noDefaultInfinity: true });
  }
});
