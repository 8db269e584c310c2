/**
 * A consumer in a process of its own: prints `ready`, reads until the device says good-bye, and prints as JSON what the
 * application saw.
 *
 *   stream-consumer.ts URL
 */
import { openConsumer } from "../../src/consumer/index.js";

const [url = ""] = process.argv.slice(2);
const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

await using consumer = await openConsumer({
  url,
  clientId: "sink",
  fromStart: true,
  prefetch: 16,
  reconnectMinMs: 20,
  reconnectMaxMs: 200,
});
say({ ready: true });

const ids = new Set<string>();
const expected = new Map<string, number>();
let messages = 0;
let twice = 0;
let disorder = 0;
for await (const { message, topic } of consumer) {
  if (message.type === "edge-distill.detections.v1") {
    messages++;
    if (ids.has(message.id)) twice++;
    ids.add(message.id);
    const { topicSeq = 0 } = message.data.trace;
    if (topicSeq !== (expected.get(topic) ?? 1)) disorder++;
    expected.set(topic, topicSeq + 1);
  }
  if (message.type === "edge-distill.state.v1" && message.data.reason === "closed") break;
}
say({
  messages,
  twice,
  disorder,
  streams: expected.size,
  counters: consumer.counters,
  gaps: consumer.gaps(),
});
