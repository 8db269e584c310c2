import { expect, it } from "vitest";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { bareClient, until } from "../support/stream.js";

it("listens on a free port, cuts connections on request, and closes with clients connected", async () => {
  const broker = await startEmbeddedBroker();
  expect(broker.url).toBe(`mqtt://127.0.0.1:${broker.port}`);
  const { client } = await bareClient(broker.url);
  client.on("error", () => undefined);
  expect(broker.dropConnections()).toBe(1);
  await until(() => !client.connected);
  const { client: second } = await bareClient(broker.url);
  second.on("error", () => undefined);
  await Promise.all([broker.close(), broker.close()]);
  await until(() => !second.connected);
});

it("a port in use: STREAM_UNREACHABLE with the cure", async () => {
  await using broker = await startEmbeddedBroker();
  await expect(startEmbeddedBroker({ port: broker.port })).rejects.toMatchObject({
    code: "STREAM_UNREACHABLE",
    message: expect.stringContaining(`127.0.0.1:${broker.port}`) as string,
    hint: "Choose another port, or 0 for any that is free.",
  });
});
