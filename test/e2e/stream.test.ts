import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { startMosquitto } from "../support/broker.js";
import { startProxy, type Proxy as Relay } from "../support/proxy.js";
import { requires } from "../support/requirements.js";

const FRAMES = 1200;

const cleanups: (() => Promise<unknown>)[] = [];
/** Registers what must be closed when the test is over. */
function owned<T extends AsyncDisposable>(resource: T): T {
  cleanups.unshift(async () => resource[Symbol.asyncDispose]());
  return resource;
}
const children = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

type Line = Record<string, unknown>;

/** Runs a script and gives its lines; fails when it ends with anything but 0. */
function run(
  script: string,
  args: readonly string[],
  onLine: (line: Line) => void = () => undefined,
) {
  const child = spawn(process.execPath, ["--import", "tsx", `test/e2e/${script}`, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const lines: Line[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line);
  });
  const ended = new Promise<Line[]>((resolve, reject) => {
    child.on("close", (code) => {
      children.delete(child);
      if (code === 0) resolve(lines);
      else reject(new Error(`${script} ended with ${code}:\n${errors}`));
    });
  });
  return { ended };
}

/**
 * A device and a consumer, each in a process of its own and behind a line of its own, and `faults` that happen while the
 * frames go by.
 */
async function stream(
  broker: { port: number },
  faults: (at: number, lines: { publisher: Relay; consumer: Relay }) => void,
): Promise<{ published: Line; seen: Line }> {
  const lines = {
    publisher: owned(await startProxy(broker.port)),
    consumer: owned(await startProxy(broker.port)),
  };
  let ready: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => (ready = resolve));
  const consumer = run("stream-consumer.ts", [lines.consumer.url], (line) => {
    if (line["ready"] === true) ready();
  });
  await Promise.race([isReady, consumer.ended]);
  const publisher = run("stream-publisher.ts", [lines.publisher.url, String(FRAMES)], (line) => {
    if (typeof line["frames"] === "number") faults(line["frames"], lines);
  });
  const [said, seen] = await Promise.all([publisher.ended, consumer.ended]);
  return { published: said.at(-1)?.["report"] as Line, seen: seen.at(-1) ?? {} };
}

function expectNothingLost({ published, seen }: { published: Line; seen: Line }): void {
  expect(published).toMatchObject({
    published: FRAMES,
    acknowledged: FRAMES,
    refused: 0,
    rejected: 0,
    undelivered: [],
  });
  expect(seen).toMatchObject({ messages: FRAMES, twice: 0, disorder: 0, streams: 2, gaps: [] });
  expect(seen["counters"]).toMatchObject({ missing: 0, invalid: 0 });
}

describe("a device and a consumer in two processes", () => {
  it.skipIf(!requires("mosquitto"))(
    "mosquitto: cut lines and a restarted broker lose nothing and repeat nothing",
    async () => {
      const broker = owned(await startMosquitto());
      let restarted: Promise<void> | undefined;
      const result = await stream(broker, (at, { publisher, consumer }) => {
        if (at === 200) publisher.cut();
        if (at === 400) consumer.cut();
        if (at === 600) {
          publisher.setOpen(false);
          consumer.setOpen(false);
          setTimeout(() => {
            publisher.setOpen(true);
            consumer.setOpen(true);
          }, 300);
        }
        if (at === 900) restarted = broker.restart();
      });
      await restarted;
      expectNothingLost(result);
      expect(restarted).toBeDefined();
      expect(result.published["reconnects"]).toBeGreaterThanOrEqual(3);
      expect((result.seen["counters"] as Line)["reconnects"]).toBeGreaterThanOrEqual(3);
    },
  );

  it("aedes: all connections dropped in the middle", async () => {
    const broker = owned(await startEmbeddedBroker());
    let dropped = 0;
    const result = await stream(broker, (at) => {
      if (at === 600) dropped = broker.dropConnections();
    });
    expectNothingLost(result);
    expect(dropped).toBe(2);
    expect(result.published["reconnects"]).toBe(1);
  });
});
