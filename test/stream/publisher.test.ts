import { createServer } from "node:net";
import { Aedes } from "aedes";
import { afterEach, describe, expect, it } from "vitest";
import { openConsumer } from "../../src/consumer/index.js";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { freePort, startMosquitto } from "../support/broker.js";
import { startProxy } from "../support/proxy.js";
import { requires } from "../support/requirements.js";
import {
  BIRTH,
  frame,
  openTestPublisher,
  sequences,
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

const brokers = {
  aedes: () => startEmbeddedBroker(),
  mosquitto: () => startMosquitto(),
};

describe.each(["aedes", "mosquitto"] as const)("a publisher on %s", (name) => {
  const available = name === "aedes" || requires("mosquitto");

  it.skipIf(!available)("announces itself, delivers in order, and says good-bye", async () => {
    const broker = owned(await brokers[name]());
    const consumer = owned(await openConsumer({ url: broker.url, fromStart: true }));
    const publisher = owned(await openTestPublisher(broker.url));
    expect(publisher.stats().protocol).toBe(name === "aedes" ? 4 : 5);
    const receipts = [];
    for (let i = 1; i <= 200; i++)
      receipts.push(await publisher.publishDetections("north", frame(i)));
    const report = await publisher.close();
    expect(report).toMatchObject({
      published: 200,
      acknowledged: 200,
      refused: 0,
      reconnects: 0,
      undelivered: [],
    });
    expect(await Promise.all(receipts.map(({ acknowledged }) => acknowledged))).toEqual(
      receipts.map(() => true),
    );

    const taken = await take(consumer, (all) => {
      const last = all.at(-1)?.message;
      return last?.type === "edge-distill.state.v1" && last.data.status === "offline";
    });
    expect(sequences(taken)).toEqual(upTo(200));
    expect(
      taken.map(({ message }) => message.type).filter((type) => !type.includes("detections")),
    ).toEqual(["edge-distill.birth.v1", "edge-distill.state.v1", "edge-distill.state.v1"]);
    expect(taken.find(({ address }) => address.kind === "birth")?.message.data).toMatchObject({
      ...BIRTH,
      schemaSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(taken.at(-1)?.message.data).toMatchObject({
      status: "offline",
      reason: "closed",
      lastSequences: [{ topic: "north/detections", sequence: 200 }],
    });
    expect(taken[2]?.message.data).toMatchObject({
      frame: { id: "frame-1" },
      boxes: [1, 2, 3, 4, 10.12, 20, 30, 40],
      scores: [0.9, 0.1235],
      latencyMs: { decode: 3.142, run: 9.4 },
      trace: { clock: expect.stringMatching(/^(synced|unknown)$/) as string },
    });
    expect(consumer.counters).toMatchObject({
      delivered: 203,
      duplicates: 0,
      missing: 0,
      invalid: 0,
    });
  });

  it.skipIf(!available)(
    "leaves its state with the broker: retained birth, and the will when it is lost",
    async () => {
      const broker = owned(await brokers[name]());
      const proxy = owned(await startProxy(broker.port));
      const early = owned(await openConsumer({ url: broker.url, kinds: ["state"] }));
      const publisher = owned(await openTestPublisher(proxy.url));
      await take(early, (all) => all.length === 1);
      proxy.setOpen(false);
      const late = owned(await openConsumer({ url: broker.url, kinds: ["state", "birth"] }));
      const lost = await take(
        late,
        (all) =>
          all.some(
            ({ message }) => "reason" in message.data && message.data.reason === "connection-lost",
          ) && all.some(({ address }) => address.kind === "birth"),
      );
      expect(lost.find(({ address }) => address.kind === "birth")?.retained).toBe(true);
      proxy.setOpen(true);
      await until(() => publisher.stats().reconnects === 1 && publisher.stats().connected);
      const back = owned(await openConsumer({ url: broker.url, kinds: ["state"] }));
      const [online] = await take(back, (all) =>
        all.some(({ message }) => "status" in message.data && message.data.status === "online"),
      ).then((all) => all.slice(-1));
      expect(online?.message.data).toMatchObject({
        status: "online",
        trace: { boot: publisher.boot },
      });
    },
  );
});

describe("what goes wrong", () => {
  it("no broker there: STREAM_UNREACHABLE names it and the cure, and no credential", async () => {
    const url = `mqtt://robot:hunter2@127.0.0.1:${await freePort()}?token=hunter3`;
    const said: string[] = [];
    const log = { debug: note, info: note, warn: note };
    function note(message: string): void {
      said.push(message);
    }
    const error = await openTestPublisher(url, { connectTimeoutMs: 300, log }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: "STREAM_UNREACHABLE",
      message: expect.stringMatching(
        /^No MQTT connection to mqtt:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
      ) as string,
      hint: "Start the broker, or check host and port.",
    });
    expect(JSON.stringify(error) + said.join()).not.toMatch(/hunter|robot/);
  });

  it("a port that never answers: STREAM_UNREACHABLE when the time is up", async () => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(
      openTestPublisher(`mqtt://127.0.0.1:${port}`, { connectTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: "STREAM_UNREACHABLE",
      message: expect.stringContaining("no answer within") as string,
    });
    server.close();
  });

  it.each(["", "127.0.0.1", "http://127.0.0.1", "mqtt://", "mqtt://u:hunter2@"])(
    "the URL %j: CONFIG_INVALID",
    async (url) => {
      const error: unknown = await openTestPublisher(url, { connectTimeoutMs: 300 }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: "CONFIG_INVALID" });
      expect(JSON.stringify(error)).not.toContain("hunter2");
      await expect(openTestPublisher(url, { startOffline: true })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
      });
    },
  );

  it("wrong credentials: STREAM_REFUSED at once, without the password", async () => {
    const aedes = await Aedes.createBroker({
      authenticate: (_client, user, password, done) =>
        done(null, user === "robot" && password?.toString() === "right"),
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
    const url = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    const error: unknown = await openTestPublisher(`mqtt://robot:hunter2@${url}`).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: "STREAM_REFUSED",
      message: expect.stringContaining(url) as string,
    });
    expect(JSON.stringify(error)).not.toContain("hunter2");
    await owned(await openTestPublisher(`mqtt://robot:right@${url}`)).close();
    await owned(
      await openTestPublisher(`mqtt://${url}`, { username: "robot", password: "right" }),
    ).close();
  });

  it("ids that would change the topic: WIRE_TOPIC", async () => {
    await expect(
      openTestPublisher("mqtt://127.0.0.1:1", { device: "cam/#" }),
    ).rejects.toMatchObject({
      code: "WIRE_TOPIC",
    });
    const broker = owned(await startEmbeddedBroker());
    const publisher = owned(await openTestPublisher(broker.url));
    await expect(publisher.publishDetections("north/+", frame(1))).rejects.toMatchObject({
      code: "WIRE_TOPIC",
    });
  });

  it("an invalid frame: WIRE_INVALID, and no number is given out for it", async () => {
    const broker = owned(await startEmbeddedBroker());
    const publisher = owned(await openTestPublisher(broker.url));
    const bad = frame(1);
    bad.detections.scores[1] = Number.NaN;
    await expect(publisher.publishDetections("north", bad)).rejects.toMatchObject({
      code: "WIRE_INVALID",
      details: { path: "data.scores.1" },
    });
    const modelless = await openTestPublisher(broker.url, {
      birth: { ...BIRTH, model: undefined },
      device: "cam-8",
    });
    await expect(owned(modelless).publishDetections("north", frame(1))).rejects.toMatchObject({
      details: { path: "data.model" },
    });
    expect(await publisher.publishDetections("north", frame(1))).toMatchObject({ topicSeq: 1 });
  });
});

describe("without a broker", () => {
  it("a full outbox turns away with STREAM_OUTBOX_FULL, and what it took arrives without a hole", async () => {
    const broker = owned(await startEmbeddedBroker());
    const proxy = owned(await startProxy(broker.port));
    const consumer = owned(
      await openConsumer({ url: broker.url, kinds: ["detections"], fromStart: true }),
    );
    proxy.setOpen(false);
    const publisher = owned(
      await openTestPublisher(proxy.url, {
        startOffline: true,
        whenFull: "reject",
        outbox: { maxMessages: 10 },
      }),
    );
    for (let i = 1; i <= 10; i++) await publisher.publishDetections("north", frame(i));
    await expect(publisher.publishDetections("north", frame(11))).rejects.toMatchObject({
      code: "STREAM_OUTBOX_FULL",
      details: { messages: 10 },
    });
    expect(publisher.stats()).toMatchObject({
      published: 10,
      rejected: 1,
      outbox: { messages: 10 },
    });
    proxy.setOpen(true);
    expect(await publisher.drain()).toBe(true);
    await publisher.publishDetections("north", frame(12));
    expect(sequences(await take(consumer, (all) => all.length === 11))).toEqual(upTo(11));
    expect(consumer.counters).toMatchObject({ duplicates: 0, missing: 0 });
  });

  it("a full outbox makes publish() wait for room, in order", async () => {
    const broker = owned(await startEmbeddedBroker());
    const proxy = owned(await startProxy(broker.port));
    const consumer = owned(
      await openConsumer({ url: broker.url, kinds: ["detections"], fromStart: true }),
    );
    proxy.setOpen(false);
    const publisher = owned(
      await openTestPublisher(proxy.url, { startOffline: true, outbox: { maxMessages: 3 } }),
    );
    const controller = new AbortController();
    const all = upTo(20).map((i) => publisher.publishDetections("north", frame(i)));
    const given = publisher.publishDetections("north", frame(99), { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(publisher.stats()).toMatchObject({ published: 3, outbox: { messages: 3 } });
    proxy.setOpen(true);
    expect((await Promise.all(all)).map(({ topicSeq }) => topicSeq)).toEqual(upTo(20));
    const taken = await take(consumer, (deliveries) => deliveries.length === 20);
    expect(
      taken.map(({ message }) => ("frame" in message.data ? message.data.frame.id : "")),
    ).toEqual(upTo(20).map((i) => `frame-${i}`));
  });

  it("close() reports what it could not deliver, ends who waits, and takes no more", async () => {
    const port = await freePort();
    const publisher = await openTestPublisher(`mqtt://127.0.0.1:${port}`, {
      startOffline: true,
      outbox: { maxMessages: 2 },
    });
    const receipts = [
      await publisher.publishDetections("north", frame(1)),
      await publisher.publishDetections("north", frame(2)),
    ];
    const waiting = publisher.publishDetections("north", frame(3));
    const closed = publisher.close({ drainTimeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    expect((await closed).undelivered).toEqual(receipts.map(({ id }) => id));
    expect(await Promise.all(receipts.map(({ acknowledged }) => acknowledged))).toEqual([
      false,
      false,
    ]);
    await expect(publisher.publishDetections("north", frame(4))).rejects.toMatchObject({
      code: "STREAM_CLOSED",
    });
    expect(await publisher.close()).toBe(await closed);
  });
});

describe.skipIf(!requires("mosquitto"))("the broker's limits", () => {
  it("its receive maximum is kept", async () => {
    // mosquitto cuts the connection of a client that sends more.
    const broker = owned(await startMosquitto({ config: ["max_inflight_messages 2"] }));
    const publisher = owned(await openTestPublisher(broker.url));
    for (let i = 1; i <= 300; i++) await publisher.publishDetections("north", frame(i));
    expect(await publisher.close()).toMatchObject({ acknowledged: 300, reconnects: 0 });
  });

  it("a message it refuses for good is counted and does not block the next", async () => {
    const broker = owned(await startMosquitto({ config: ["max_packet_size 2500"] }));
    const publisher = owned(await openTestPublisher(broker.url));
    const large = frame(1);
    large.frame.id = "x".repeat(500);
    large.latencyMs = Object.fromEntries(upTo(150).map((i) => [`stage${i}`, i]));
    const refused = await publisher.publishDetections("north", large);
    const taken = await publisher.publishDetections("north", frame(2));
    expect(await refused.acknowledged).toBe(false);
    expect(await taken.acknowledged).toBe(true);
    expect(publisher.stats()).toMatchObject({ refused: 1, acknowledged: 1, reconnects: 0 });
  });
});

it("publishes its counters, numbered like any other message", async () => {
  const broker = owned(await startEmbeddedBroker());
  const consumer = owned(
    await openConsumer({ url: broker.url, kinds: ["stats"], fromStart: true }),
  );
  owned(await openTestPublisher(broker.url, { statsIntervalMs: 20 }));
  const taken = await take(consumer, (all) => all.length === 3);
  expect(taken.map(({ message }) => message.data.trace.topicSeq)).toEqual([1, 2, 3]);
  expect(taken[2]?.message.data).toMatchObject({
    published: 2,
    rejected: 0,
    outbox: { maxMessages: 10_000 },
  });
});
