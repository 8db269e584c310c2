/**
 * A device in a process of its own: publishes COUNT frames on two streams and prints a line of JSON every 100 frames and
 * at the end.
 *
 *   stream-publisher.ts URL COUNT
 */
import { frame, openTestPublisher } from "../support/stream.js";

const [url = "", count = "0"] = process.argv.slice(2);
const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const publisher = await openTestPublisher(url);
for (let i = 1; i <= Number(count); i++) {
  await publisher.publishDetections(i % 2 === 1 ? "north" : "south", frame(i));
  if (i % 100 === 0) say({ frames: i });
  if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
}
say({ report: await publisher.close({ drainTimeoutMs: 30_000 }) });
