/**
 * `npm run bench -- runtime`: images a second from JPEG files to detections, through the runtime and through a naive
 * Node script, in turns. Trust the ratios: they come from rounds side by side.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generateSigningKeys, packBundle } from "../../src/bundle/index.js";
import { inputSpec } from "../../src/image/index.js";
import { median } from "./median.js";
import { PeerProcess } from "./peer-process.js";

const DATA = "../shared/data";
const MODEL = join(DATA, "models/yolox_nano/yolox_nano_416x416.onnx");

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "7" },
    images: { type: "string", default: join(DATA, "coco/images/val2017") },
    /** Of the runtime; default: its own choice. */
    workers: { type: "string", default: "" },
    threads: { type: "string", default: "" },
    "max-in-flight": { type: "string", default: "" },
  },
});

const folder = await mkdtemp(join(tmpdir(), "edge-distill-bench-"));
try {
  const images = (await readdir(options.images))
    .filter((name) => /\.(jpe?g|png)$/i.test(name))
    .sort()
    .map((name) => join(options.images, name));
  const [first = ""] = images;
  const bundle = join(folder, "bundle");
  const keyPath = join(folder, "public.pem");
  const keys = generateSigningKeys();
  await writeFile(keyPath, keys.publicPem);
  await packBundle(
    bundle,
    {
      name: "yolox-nano",
      version: "1",
      task: "detect",
      classes: Array.from({ length: 80 }, (_, i) => `class-${String(i)}`),
      input: inputSpec({ widthPx: 416, heightPx: 416, channels: "bgr", scale: [1, 1, 1] }),
      decoder: { id: "yolox", scoreThreshold: 0.3, iouThreshold: 0.6 },
      variants: [{ name: "fp32", precision: "fp32", target: "any", audited: false, model: MODEL }],
    },
    { privateKey: keys.privatePem },
  );

  const { workers, threads, "max-in-flight": maxInFlight } = options;
  const naive = await PeerProcess.start("naive", [MODEL, first]);
  const sdk = await PeerProcess.start("sdk", [
    bundle,
    keyPath,
    first,
    workers,
    threads,
    maxInFlight,
  ]);
  for (const peer of [naive, sdk]) await peer.round(images, { keep: false });
  for (let round = 0; round < Number(options.rounds); round++) {
    // The order alternates, so that neither always runs after the other.
    for (const peer of round % 2 === 0 ? [naive, sdk] : [sdk, naive]) await peer.round(images);
  }
  await Promise.all([naive.end(), sdk.end()]);

  const figures = [naive, sdk].map(({ rounds, ready }) => ({
    imagesPerSecond: median(rounds.map((r) => r.images / r.seconds)),
    cpuMsPerImage: median(rounds.map((r) => (r.cpuSeconds * 1000) / r.images)),
    loopDelayP99Ms: median(rounds.map((r) => r.loopDelayP99Ms)),
    residentMiB: median(rounds.map((r) => r.residentMiB)),
    detections: rounds[0]?.detections ?? 0,
    coldStartMs: ready.coldStartMs,
  }));
  const [peer, ours] = figures;
  const inTurns = sdk.rounds.map((r, i) => (naive.rounds[i]?.seconds ?? NaN) / r.seconds);
  const delay = ours?.loopDelayP99Ms ?? NaN;
  const rows = [
    {
      name: "vs-naive",
      ours: ours?.imagesPerSecond,
      peer: peer?.imagesPerSecond,
      ratio: median(inTurns),
      goal: 1.6,
    },
    { name: "event-loop-p99", ours: delay, peer: 10, ratio: 10 / delay, goal: 1 },
  ];
  if (!options.json) {
    console.log(`${String(images.length)} images, ${options.rounds} rounds each, in turns`);
    console.table({ naive: peer, sdk: ours });
    console.log(`ratios of the rounds: ${inTurns.map((r) => r.toFixed(2)).join(" ")}`);
  }
  console.log(
    JSON.stringify({
      bench: "runtime",
      versions: {
        node: process.versions.node,
        cpu: cpus()[0]?.model ?? "",
        cores: String(availableParallelism()),
        ...naive.ready.versions,
        ...sdk.ready.versions,
      },
      rows,
    }),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
