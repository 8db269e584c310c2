/** The same work through the runtime: a signed bundle, opened as an application opens it. */
import { readFile } from "node:fs/promises";
import { captureTime, openRuntime, type Frame } from "../../../src/runtime/index.js";
import { serve } from "./serve.js";

const [bundle = "", keyPath = "", firstImage = "", workers = "", threads = "", maxInFlight = ""] =
  process.argv.slice(2);
const edge = await openRuntime({
  bundle,
  trustedKeys: [await readFile(keyPath, "utf8")],
  ...(workers === "" ? {} : { workers: Number(workers) }),
  ...(threads === "" ? {} : { threadsPerWorker: Number(threads) }),
});
await edge.detect(firstImage);

// eslint-disable-next-line @typescript-eslint/require-await -- frames are files: nothing to wait for
async function* frames(images: readonly string[]): AsyncGenerator<Frame> {
  for (const image of images) yield { id: image, capturedAt: captureTime(), image };
}

serve(
  { variant: edge.variant.name, workers: String(edge.stats().workers) },
  async (images) => {
    let count = 0;
    const options = maxInFlight === "" ? {} : { maxInFlight: Number(maxInFlight) };
    for await (const { detections } of edge.stream(frames(images), options))
      count += detections.count;
    return count;
  },
  () => edge.close(),
);
