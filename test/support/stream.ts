import mqtt, { type MqttClient } from "mqtt";
import type { Consumer, Delivery } from "../../src/consumer/index.js";
import {
  openPublisher,
  type FrameResult,
  type Publisher,
  type PublisherOptions,
} from "../../src/stream/index.js";
import {
  encodeMessage,
  messageId,
  type DetectionsMessage,
  type Message,
} from "../../src/wire/index.js";

export const MODEL = { sha256: "ab".repeat(32), variant: "student-int8" };
export const BIRTH = {
  software: { name: "edge-distill", version: "0.0.0-test" },
  streams: [{ name: "north" }],
  classNames: ["scratch", "pit"],
  model: MODEL,
};

/** A publisher of the device plant/line-1/cam-7. */
export function openTestPublisher(
  url: string,
  options: Partial<PublisherOptions> = {},
): Promise<Publisher> {
  return openPublisher({
    url,
    site: "plant",
    group: "line-1",
    device: "cam-7",
    birth: BIRTH,
    reconnectMinMs: 20,
    reconnectMaxMs: 200,
    statsIntervalMs: 0,
    ...options,
  });
}

/** Frame number `index` with two detections. */
export function frame(index: number): FrameResult {
  return {
    frame: { id: `frame-${index}`, widthPx: 640, heightPx: 480 },
    latencyMs: { decode: 3.14159, run: 9.4 },
    detections: {
      count: 2,
      boxFormat: "xyxy-px",
      boxes: Float32Array.of(1, 2, 3, 4, 10.123, 20, 30, 40),
      scores: Float32Array.of(0.9, 0.12345),
      classIds: Int32Array.of(0, 1),
    },
  };
}

/** A detections message of cam-7 as a device would send it, for tests that publish by hand. */
export function handmade(topicSeq: number, { boot = "0123456789abcdef" } = {}): DetectionsMessage {
  const trace = {
    device: "cam-7",
    boot,
    seq: topicSeq + 5,
    topicSeq,
    monotonicNs: "1",
    clock: "unknown" as const,
  };
  return {
    specversion: "1.0",
    id: messageId(trace),
    source: "ed/v1/plant/line-1/cam-7",
    type: "edge-distill.detections.v1",
    time: "2026-11-24T08:30:00.000Z",
    datacontenttype: "application/json",
    data: {
      trace,
      frame: { id: `frame-${topicSeq}`, widthPx: 1, heightPx: 1 },
      model: MODEL,
      latencyMs: {},
      boxFormat: "xyxy-px",
      count: 0,
      boxes: [],
      scores: [],
      classIds: [],
    },
  };
}

export const DETECTIONS_TOPIC = "ed/v1/plant/line-1/cam-7/north/detections";
export const STATE_TOPIC = "ed/v1/plant/line-1/cam-7/state";

/** A bare client, to send what no publisher of ours would. */
export async function bareClient(
  url: string,
  protocolVersion: 4 | 5 = 4,
): Promise<{
  client: MqttClient;
  send: (topic: string, payload: Message | string | Uint8Array, retain?: boolean) => Promise<void>;
  end: () => Promise<void>;
}> {
  const client = await mqtt.connectAsync(url, { protocolVersion, reconnectPeriod: 0 });
  return {
    client,
    send: async (topic, payload, retain = false) => {
      const bytes =
        typeof payload === "string" || payload instanceof Uint8Array
          ? payload
          : encodeMessage(payload);
      await client.publishAsync(topic, Buffer.from(bytes), { qos: 1, retain });
    },
    end: () => client.endAsync(),
  };
}

/** Takes deliveries until `enough` says so, or the consumer is closed. */
export async function take(
  consumer: Consumer,
  enough: (taken: Delivery[]) => boolean,
): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  for await (const delivery of consumer) {
    taken.push(delivery);
    if (!enough(taken)) continue;
    delivery.ack();
    break;
  }
  return taken;
}

/** Waits until a condition holds; fails by the test's own timeout when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The topic sequence numbers of detections, in the order of delivery. */
export function sequences(deliveries: readonly Delivery[]): number[] {
  return deliveries.flatMap(({ message }) =>
    message.type === "edge-distill.detections.v1" ? [message.data.trace.topicSeq ?? 0] : [],
  );
}

/** 1, 2, … n. */
export function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
