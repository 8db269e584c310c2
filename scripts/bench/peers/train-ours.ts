/** One network of `bench -- train`, trained by us: `train-ours CASE THREADS`; a line `{"steps": n}` in, seconds out. */
import { createInterface } from "node:readline";
import { openEngine } from "../../../src/engine/index.js";
import type { HostTensor } from "../../../src/tensor/index.js";
import { probeBlockedLayout, Trainer } from "../../../src/train/index.js";
import { TRAIN_CASES } from "../train/cases.js";

const [name = "", threads = "2"] = process.argv.slice(2);
const found = TRAIN_CASES[name];
if (found === undefined) throw new Error(`There is no case "${name}"`);

const feeds = found.feeds();
/** A step takes its feeds' buffers. */
const copy = (): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([key, tensor]) => [key, { ...tensor, data: tensor.data.slice() }]),
  );

const start = performance.now();
await using engine = await openEngine({ kind: "worker" });
const blockedLayout = await probeBlockedLayout(engine);
const step = found.build({ blockedLayout });
await using trainer = await Trainer.open(step, { engine, seed: 1, threads: Number(threads) });
const first = await trainer.run(copy(), 0.01);
console.log(
  JSON.stringify({
    firstStepSeconds: (performance.now() - start) / 1000,
    parameters: step.parameters.length,
    loss: first["loss"],
    blockedLayout,
    versions: { onnxruntime: engine.version },
  }),
);

for await (const line of createInterface({ input: process.stdin })) {
  const { steps } = JSON.parse(line) as { steps: number };
  const from = performance.now();
  for (let i = 0; i < steps; i++) await trainer.run(copy(), 0.001);
  console.log(
    JSON.stringify({
      seconds: (performance.now() - from) / 1000,
      peakMiB: process.resourceUsage().maxRSS / 1024,
    }),
  );
}
