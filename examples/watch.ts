// Print what devices detect, and prove at the end that nothing was lost.
// Usage: watch [BROKER_URL]
import { openConsumer } from "edge-distill/consumer";

const stop = new AbortController();
process.once("SIGINT", () => {
  stop.abort();
});

const consumer = await openConsumer({
  url: process.argv[2] ?? "mqtt://localhost:1883",
  kinds: ["detections"],
});
stop.signal.addEventListener("abort", () => void consumer.close());

// Every message was checked against its schema; repeated deliveries do not show up again.
for await (const { message } of consumer) {
  const { trace, frame, count, scores } = message.data;
  console.log(
    trace.device,
    frame.id,
    `${String(count)} objects`,
    scores.map((s) => s.toFixed(2)).join(" "),
  );
}

console.log(consumer.counters);
