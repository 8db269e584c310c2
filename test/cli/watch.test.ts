import { afterEach, describe, expect, it } from "vitest";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { startMosquitto } from "../support/broker.js";
import { startProxy } from "../support/proxy.js";
import { requires } from "../support/requirements.js";
import { frame, openTestPublisher } from "../support/stream.js";
import { run } from "./run.js";

const cleanups: AsyncDisposable[] = [];
function owned<T extends AsyncDisposable>(resource: T): T {
  cleanups.unshift(resource);
  return resource;
}
afterEach(async () => {
  for (const resource of cleanups.splice(0)) await resource[Symbol.asyncDispose]();
});

const BROKERS = [
  ["the embedded broker", startEmbeddedBroker],
  ...(requires("mosquitto") ? ([["mosquitto", startMosquitto]] as const) : []),
] as const;

describe.each(BROKERS)("watch --until-offline, with %s", (_, start) => {
  it("ends at a good-bye that came while it was away, with everything from before it", async () => {
    const broker = owned(await start());
    const proxy = owned(await startProxy(broker.port));
    let listening = (): void => undefined;
    const ready = new Promise<void>((resolve) => (listening = resolve));
    const watching = run(
      ["watch", "--broker", proxy.url, "--client-id", "watcher", "--from-start"].concat([
        "--until-offline",
        "--idle-seconds",
        "30",
        "--json",
      ]),
      {
        stderr: {
          write: (text) => {
            if (text.includes("listening on")) listening();
            return true;
          },
        },
      },
    );
    await ready;
    const publisher = await openTestPublisher(broker.url);
    for (let i = 0; i < 20; i++) await publisher.publishDetections("north", frame(i));
    proxy.setOpen(false);
    proxy.cut();
    for (let i = 20; i < 60; i++) await publisher.publishDetections("north", frame(i));
    await publisher.close();
    proxy.setOpen(true);
    const { status, stdout } = await watching;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kinds: { detections: 60 },
      missing: 0,
      repeated: 0,
      invalid: 0,
      idle: false,
    });
  });

  it("does not take a good-bye of before it began for one of now", async () => {
    const broker = owned(await start());
    const earlier = await openTestPublisher(broker.url);
    await earlier.publishDetections("north", frame(0));
    await earlier.close();
    const { status, stdout } = await run(
      ["watch", "--broker", broker.url, "--until-offline", "--idle-seconds", "1", "--json"],
      {},
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kinds: { state: 1, birth: 1 }, idle: true });
  });
});
