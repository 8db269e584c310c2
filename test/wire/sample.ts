import type { DetectionsMessage, StateMessage } from "../../src/wire/index.js";

const BOOT = "0123456789abcdef";

/** A valid message, to be bent by tests. */
export function detectionsMessage(
  change: Partial<DetectionsMessage["data"]> = {},
): DetectionsMessage {
  return {
    specversion: "1.0",
    id: `cam-7:${BOOT}:42`,
    source: "ed/v1/plant/line-1/cam-7",
    type: "edge-distill.detections.v1",
    time: "2026-11-24T08:30:00.123Z",
    datacontenttype: "application/json",
    data: {
      trace: {
        device: "cam-7",
        boot: BOOT,
        seq: 42,
        topicSeq: 40,
        monotonicNs: "123456789012",
        clock: "synced",
      },
      frame: { id: "frame-000042", widthPx: 640, heightPx: 480 },
      model: { sha256: "ab".repeat(32), variant: "student-int8" },
      latencyMs: { decode: 3.1, run: 9.4 },
      boxFormat: "xyxy-px",
      count: 2,
      boxes: [1, 2, 3, 4, 10.5, 20.25, 30, 40],
      scores: [0.9, 0.5],
      classIds: [0, 3],
      ...change,
    },
  };
}

export function stateMessage(): StateMessage {
  const { data, ...envelope } = detectionsMessage();
  return {
    ...envelope,
    type: "edge-distill.state.v1",
    data: { trace: data.trace, status: "online" },
  };
}

/** UTF-8 JSON of anything. */
export function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
