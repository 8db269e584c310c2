import { createServer } from "node:net";
import { Aedes } from "aedes";
import { afterEach, describe, expect, it } from "vitest";
import { openConsumer, type DeadLetter } from "../../src/consumer/index.js";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { freePort, startMosquitto } from "../support/broker.js";
import { startProxy } from "../support/proxy.js";
import { requires } from "../support/requirements.js";
import {
  bareClient,
  DETECTIONS_TOPIC,
  frame,
  handmade,
  openTestPublisher,
  sequences,
  STATE_TOPIC,
  take,
  until,
  upTo,
} from "../support/stream.js";

const cleanups: (() => Promise<unknown>)[] = [];
/** Registers what must be closed when the test is over. */
function owned<T extends AsyncDisposable>(resource: T): T {
  cleanups.unshift(async () => resource[Symbol.asyncDispose]());
  return resource;
}
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function aedesAndHand() {
  const broker = owned(await startEmbeddedBroker());
  const hand = await bareClient(broker.url);
  cleanups.unshift(() => hand.end());
  return { broker, send: hand.send };
}

describe("what is no message", () => {
  it("becomes a dead letter, is counted, and blocks nothing", async () => {
    const { broker, send } = await aedesAndHand();
    const letters: DeadLetter[] = [];
    const consumer = owned(
      await openConsumer({ url: broker.url, onDeadLetter: (letter) => void letters.push(letter) }),
    );
    await send(DETECTIONS_TOPIC, "not json");
    await send(
      DETECTIONS_TOPIC,
      JSON.stringify({ ...handmade(1), id: "forged:0123456789abcdef:1" }),
    );
    await send(DETECTIONS_TOPIC.replace("cam-7", "cam-8"), handmade(1));
    await send(DETECTIONS_TOPIC, handmade(1));
    expect(sequences(await take(consumer, (all) => all.length === 1))).toEqual([1]);
    expect(letters.map(({ error }) => error.details["path"])).toEqual(["", "id", "source"]);
    expect(letters[0]).toMatchObject({ topic: DETECTIONS_TOPIC, error: { code: "WIRE_INVALID" } });
    expect(Buffer.from(letters[0]?.payload ?? []).toString()).toBe("not json");
    expect(consumer.counters).toMatchObject({ received: 4, delivered: 1, invalid: 3 });
  });

  it("ends the iteration when the dead letter cannot be stored", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(
      await openConsumer({
        url: broker.url,
        onDeadLetter: () => Promise.reject(new Error("no room for dead letters")),
      }),
    );
    await send(DETECTIONS_TOPIC, "{}");
    await expect(take(consumer, () => false)).rejects.toThrow("no room for dead letters");
  });

  it("a retained message that is cleared is no dead letter", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(await openConsumer({ url: broker.url }));
    await send(STATE_TOPIC, "", true);
    await until(() => consumer.counters.ignored === 1);
    expect(consumer.counters).toMatchObject({ received: 1, delivered: 0, invalid: 0 });
  });

  it("larger than allowed is a dead letter", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(await openConsumer({ url: broker.url, maxMessageBytes: 100 }));
    await send(DETECTIONS_TOPIC, handmade(1));
    await until(() => consumer.counters.invalid === 1);
  });
});

describe("repeats and gaps", () => {
  it("a message sent twice is delivered once", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(await openConsumer({ url: broker.url }));
    for (const i of [1, 1, 2, 1, 2, 3]) await send(DETECTIONS_TOPIC, handmade(i));
    expect(sequences(await take(consumer, (all) => all.length === 3))).toEqual([1, 2, 3]);
    expect(consumer.counters).toMatchObject({
      received: 6,
      delivered: 3,
      duplicates: 3,
      missing: 0,
    });
  });

  it("a hole in the sequence is proven, and closed by late arrivals", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(await openConsumer({ url: broker.url }));
    for (const i of [7, 8, 11]) await send(DETECTIONS_TOPIC, handmade(i));
    await take(consumer, (all) => all.length === 3);
    expect(consumer.counters.missing).toBe(2);
    expect(consumer.gaps()).toEqual([
      { topic: DETECTIONS_TOPIC, boot: "0123456789abcdef", ranges: [[9, 10]], missing: 2 },
    ]);
    for (const i of [10, 9]) await send(DETECTIONS_TOPIC, handmade(i));
    // Their place was passed over when nothing came for the window: they come late rather than never.
    expect(sequences(await take(consumer, (all) => all.length === 2))).toEqual([10, 9]);
    expect(consumer.counters.missing).toBe(0);
    // The next boot of the device is known to begin at 1.
    await send(DETECTIONS_TOPIC, handmade(3, { boot: "fedcba9876543210" }));
    await take(consumer, (all) => all.length === 1);
    expect(consumer.gaps()).toEqual([
      { topic: DETECTIONS_TOPIC, boot: "fedcba9876543210", ranges: [[1, 2]], missing: 2 },
    ]);
  });

  it("what comes too early waits for what should come before it, and a good-bye for both", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(
      await openConsumer({
        url: broker.url,
        fromStart: true,
        reorderWindowMs: 60_000,
        prefetch: 2,
      }),
    );
    const { data, ...envelope } = handmade(40);
    const { topicSeq: _, ...trace } = data.trace;
    const goodBye = {
      ...envelope,
      type: "edge-distill.state.v1" as const,
      data: {
        trace,
        status: "offline" as const,
        reason: "closed" as const,
        lastSequences: [{ topic: "north/detections", sequence: 6 }],
      },
    };
    const taking = take(consumer, (all) => all.length === 7);
    for (const i of [4, 3, 6]) await send(DETECTIONS_TOPIC, handmade(i));
    await send(STATE_TOPIC, goodBye);
    for (const i of [1, 2, 5]) await send(DETECTIONS_TOPIC, handmade(i));
    const taken = await taking;
    expect(sequences(taken)).toEqual(upTo(6));
    expect(taken.at(-1)?.address.kind).toBe("state");
    expect(consumer.counters).toMatchObject({ delivered: 7, missing: 0 });
  });

  it("a missing end is proven by the device's good-bye", async () => {
    const { broker, send } = await aedesAndHand();
    const consumer = owned(
      await openConsumer({ url: broker.url, fromStart: true, kinds: ["detections", "state"] }),
    );
    for (const i of [2, 3]) await send(DETECTIONS_TOPIC, handmade(i));
    const { data, ...envelope } = handmade(40);
    const { topicSeq: _, ...trace } = data.trace;
    const lastSequences = [
      { topic: "north/detections", sequence: 5 },
      { topic: "stats", sequence: 9 },
    ];
    await send(STATE_TOPIC, {
      ...envelope,
      type: "edge-distill.state.v1",
      data: { trace, status: "offline", reason: "closed", lastSequences },
    });
    await take(consumer, (all) => all.length === 3);
    expect(consumer.gaps()).toMatchObject([
      {
        ranges: [
          [1, 1],
          [4, 5],
        ],
        missing: 3,
      },
    ]);
  });
});

const brokers = { aedes: () => startEmbeddedBroker(), mosquitto: () => startMosquitto() };

describe.each(["aedes", "mosquitto"] as const)("taking messages from %s", (name) => {
  const onIt = it.skipIf(name === "mosquitto" && !requires("mosquitto"));

  it.skipIf(name === "aedes" || !requires("mosquitto"))(
    "the broker sends no more than the prefetch ahead of the loop",
    async () => {
      const broker = owned(await brokers[name]());
      const consumer = owned(
        await openConsumer({
          url: broker.url,
          kinds: ["detections"],
          prefetch: 8,
          clientId: "slow",
          fromStart: true,
        }),
      );
      const publisher = owned(await openTestPublisher(broker.url));
      for (const i of upTo(300)) await publisher.publishDetections("north", frame(i));
      await publisher.drain();
      await take(consumer, (all) => {
        expect(consumer.counters.received - all.length).toBeLessThan(8);
        return all.length === 300;
      });
      expect(consumer.counters).toMatchObject({
        received: 300,
        delivered: 300,
        duplicates: 0,
        missing: 0,
      });
    },
  );

  onIt("a loop slower than the keep-alive keeps its connection", async () => {
    const broker = owned(await brokers[name]());
    const consumer = owned(
      await openConsumer({
        url: broker.url,
        kinds: ["detections"],
        prefetch: 2,
        keepaliveSeconds: 1,
        clientId: "slow",
        fromStart: true,
      }),
    );
    const publisher = owned(await openTestPublisher(broker.url));
    for (const i of upTo(20)) await publisher.publishDetections("north", frame(i));
    await publisher.drain();
    const taken: number[] = [];
    for await (const delivery of consumer) {
      taken.push(...sequences([delivery]));
      if (taken.length === 1) await new Promise((resolve) => setTimeout(resolve, 4000));
      if (taken.length === 20) break;
    }
    expect(taken).toEqual(upTo(20));
    expect(consumer.counters).toMatchObject({ received: 20, duplicates: 0, reconnects: 0 });
  });

  onIt("what was not taken waits in the session for the next consumer of that name", async () => {
    const broker = owned(await brokers[name]());
    const options = { url: broker.url, kinds: ["detections"] as const, clientId: "sink" };
    const publisher = owned(await openTestPublisher(broker.url));
    const first = await openConsumer(options);
    for (const i of upTo(30)) await publisher.publishDetections("north", frame(i));
    let count = 0;
    for await (const _ of first) if (++count === 10) break; // The tenth is not acknowledged.
    await first.close();
    for (const i of upTo(30)) await publisher.publishDetections("north", frame(i));
    const second = owned(await openConsumer(options));
    expect(sequences(await take(second, (all) => all.length === 51))).toEqual(upTo(60).slice(9));
    await second.close();
    for (const i of upTo(5)) await publisher.publishDetections("north", frame(i));
    const third = owned(await openConsumer(options));
    // take() acknowledges its last one.
    expect(sequences(await take(third, (all) => all.length === 5))).toEqual([61, 62, 63, 64, 65]);
  });

  onIt("a cut while messages are in hand: each once, in order", async () => {
    const broker = owned(await brokers[name]());
    const proxy = owned(await startProxy(broker.port));
    const consumer = owned(
      await openConsumer({
        url: proxy.url,
        kinds: ["detections"],
        clientId: "sink",
        prefetch: 16,
        fromStart: true,
        reconnectMinMs: 20,
      }),
    );
    const publisher = owned(await openTestPublisher(broker.url));
    for (const i of upTo(200)) await publisher.publishDetections("north", frame(i));
    const taken = await take(consumer, (all) => {
      if (all.length === 50 || all.length === 120) proxy.cut();
      return all.length === 200;
    });
    expect(sequences(taken)).toEqual(upTo(200));
    await until(() => consumer.counters.reconnects > 0);
    expect(consumer.counters).toMatchObject({ delivered: 200, missing: 0, invalid: 0 });
  });
});

describe("the loop", () => {
  it("only one loop at a time", async () => {
    const { broker } = await aedesAndHand();
    const consumer = owned(await openConsumer({ url: broker.url }));
    const waiting = take(consumer, () => true);
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(
      expect.objectContaining({ code: "USAGE" }),
    );
    await consumer.close();
    expect(await waiting).toEqual([]);
  });

  it("an abort ends the iteration", async () => {
    const { broker } = await aedesAndHand();
    const controller = new AbortController();
    const consumer = owned(await openConsumer({ url: broker.url, signal: controller.signal }));
    const waiting = take(consumer, () => true);
    controller.abort();
    expect(await waiting).toEqual([]);
    await expect(
      openConsumer({ url: broker.url, signal: controller.signal }),
    ).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});

describe("what goes wrong", () => {
  it("no broker: STREAM_UNREACHABLE", async () => {
    const url = `mqtt://u:hunter2@127.0.0.1:${await freePort()}`;
    const error: unknown = await openConsumer({ url, connectTimeoutMs: 200 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "STREAM_UNREACHABLE", hint: expect.any(String) as string });
    expect(JSON.stringify(error)).not.toContain("hunter2");
  });

  it("a subscription that is not allowed: STREAM_REFUSED naming the topic", async () => {
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.endsWith("/stats") ? null : subscription),
    });
    const server = createServer((socket) => aedes.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(
      () =>
        new Promise<void>((resolve) => {
          aedes.close(() => server.close(() => resolve()));
        }),
    );
    const address = server.address();
    const url = `mqtt://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    owned(await openConsumer({ url, kinds: ["state"] }));
    await expect(openConsumer({ url })).rejects.toMatchObject({
      code: "STREAM_REFUSED",
      message: expect.stringContaining("ed/v1/+/+/+/stats") as string,
    });
  });

  it("a filter that would widen the subscription: WIRE_TOPIC", async () => {
    await expect(openConsumer({ url: "mqtt://127.0.0.1:1", device: "#" })).rejects.toMatchObject({
      code: "WIRE_TOPIC",
    });
  });
});
