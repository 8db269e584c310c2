import { monitorEventLoopDelay } from "node:perf_hooks";
import type { PeerReady, PeerRequest, Round } from "./protocol.js";

/**
 * The process side of a peer: says that it is ready, then answers each request with the figures of one round.
 * @param round gives the number of detections in all images
 */
export function serve(
  versions: Readonly<Record<string, string>>,
  round: (images: readonly string[]) => Promise<number>,
  close: () => Promise<unknown> = () => Promise.resolve(),
): void {
  const answer = async (request: PeerRequest): Promise<void> => {
    if ("end" in request) {
      await close();
      process.disconnect();
      return;
    }
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const cpu = process.cpuUsage();
    const start = performance.now();
    const detections = await round(request.images);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    loop.disable();
    send({
      seconds,
      cpuSeconds: (user + system) / 1e6,
      images: request.images.length,
      detections,
      loopDelayP99Ms: loop.percentile(99) / 1e6,
      residentMiB: process.memoryUsage.rss() / 1024 ** 2,
    });
  };
  process.on("message", (request: PeerRequest) => void answer(request));
  send({ coldStartMs: performance.now(), versions });
}

function send(message: Round | PeerReady): void {
  process.send?.(message);
}
