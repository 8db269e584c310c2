import { createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { frame, openTestPublisher, upTo } from "../support/stream.js";

/** PUBACK reason: quota exceeded. No broker at hand can be made to give it, so these bytes are written by hand. */
const QUOTA_EXCEEDED = 0x97;

/** Splits a stream of MQTT packets; enough of MQTT 5 to answer CONNECT, PUBLISH and PINGREQ. */
function serve(socket: Socket, onPublish: (topic: string, packetId: number) => void): void {
  let buffered = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      let length = 0;
      let at = 1;
      for (let shift = 0; ; shift += 7) {
        const byte = buffered[at++];
        if (byte === undefined) return;
        length |= (byte & 0x7f) << shift;
        if ((byte & 0x80) === 0) break;
      }
      if (buffered.length < at + length) return;
      const type = buffered.readUInt8(0) >> 4;
      const body = buffered.subarray(at, at + length);
      buffered = buffered.subarray(at + length);
      if (type === 1) socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
      if (type === 12) socket.write(Buffer.from([0xd0, 0]));
      if (type === 3) {
        const topicEnd = 2 + body.readUInt16BE(0);
        onPublish(body.toString("utf8", 2, topicEnd), body.readUInt16BE(topicEnd));
      }
    }
  });
}

it("a broker over its quota is given a pause, then everything again from the oldest unanswered, in order", async () => {
  const got: string[][] = [];
  const server = createServer((socket) => {
    const connection: string[] = [];
    got.push(connection);
    let detections = 0;
    serve(socket, (topic, packetId) => {
      if (topic.endsWith("/detections")) {
        connection.push(topic);
        detections++;
      }
      const refuse = got.length === 1 && detections === 3 && topic.endsWith("/detections");
      const reason = refuse
        ? [4, packetId >> 8, packetId & 255, QUOTA_EXCEEDED, 0]
        : [2, packetId >> 8, packetId & 255];
      socket.write(Buffer.from([0x40, ...reason]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const said: string[] = [];
  const publisher = await openTestPublisher(`mqtt://127.0.0.1:${port}`, {
    maxInFlight: 1,
    log: { debug: () => undefined, info: () => undefined, warn: (message) => said.push(message) },
  });
  const receipts = [];
  for (const i of upTo(5)) receipts.push(await publisher.publishDetections("north", frame(i)));
  const report = await publisher.close();
  server.close();
  expect(report).toMatchObject({ acknowledged: 5, refused: 0, reconnects: 1, undelivered: [] });
  expect(await Promise.all(receipts.map(({ acknowledged }) => acknowledged))).toEqual(
    upTo(5).map(() => true),
  );
  // Two taken, the third refused on the first connection; three to five on the second.
  expect(got.map((topics) => topics.length)).toEqual([3, 3]);
  expect(said.join()).toContain("did not take");
});
