import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import {
  EdgeDistillError,
  errorMessage,
  throwIfAborted,
  type Logger,
  type OnProgress,
} from "../base/index.js";
import { basename } from "node:path";
import {
  captureTime,
  openRuntime,
  publishable,
  type Frame,
  type FrameSource,
} from "../runtime/index.js";
import { openPublisher, startEmbeddedBroker, type EmbeddedBroker } from "../stream/index.js";

/** How to start `edge-distill` again in a process of its own. */
export interface SelfCommand {
  command: string;
  args: readonly string[];
}

export interface StreamStageOptions {
  bundlePath: string;
  /** PEM files or texts of the keys that the device trusts. */
  trustedKeys: readonly string[];
  device: string;
  /** Image files, taken in turn until `frameLimit` frames have been published. */
  frames: readonly string[];
  frameLimit: number;
  /** Without it an embedded broker is started, and its connections are cut once in the middle. */
  brokerUrl?: string;
  site: string;
  line: string;
  self: SelfCommand;
  onProgress: OnProgress;
  logger: Logger;
  signal?: AbortSignal;
}

/** Counted by a consumer in another process, from ids alone. */
export interface StreamResult {
  /** Detections messages that the publisher's outbox took. */
  published: number;
  /** Different ones that the consumer was handed. */
  consumed: number;
  lost: number;
  /** Messages handed to the consumer's application more than once. */
  duplicated: number;
  /** Second deliveries that the consumer dropped before the application. */
  redelivered: number;
  invalid: number;
  reconnects: number;
  broker: "embedded" | "given";
  variant: string;
  reason: string;
  /** Median time of the inference itself over all frames. */
  latencyMs: number;
  framesPerSecond: number;
}

interface WatchSummary {
  delivered: number;
  kinds: Record<string, number>;
  repeated: number;
  droppedDuplicates: number;
  invalid: number;
  missing: number;
  reconnects: number;
}

/** The consumer's process: resolves `ready` when it has subscribed and `summary` when it has ended. */
function startWatcher(
  { command, args }: SelfCommand,
  url: string,
  { site, device, logger }: { site: string; device: string; logger: Logger },
): { child: ChildProcess; ready: Promise<void>; summary: Promise<WatchSummary> } {
  const words = [
    "watch",
    "--broker",
    url,
    "--site",
    site,
    "--device",
    device,
    "--client-id",
    `ed-watch-${String(process.pid)}`,
  ];
  const child = spawn(
    command,
    [...args, ...words, "--from-start", "--until-offline", "--idle-seconds", "60", "--json"],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const failed = (why: string): EdgeDistillError =>
    new EdgeDistillError("STREAM_CONSUMER", `The consumer process ${why}`, {
      hint: `Run "edge-distill watch --broker ${url}" by hand to see why.`,
    });
  const errors: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.startsWith("listening on")) resolve();
      else {
        errors.push(line);
        logger.debug(`consumer: ${line}`);
      }
    });
    child.once("error", (error) => {
      reject(failed(`did not start: ${error.message}`));
    });
    child.once("exit", (code) => {
      reject(failed(`ended with ${String(code)} before it listened: ${errors.join(" ")}`));
    });
  });
  const summary = new Promise<WatchSummary>((resolve, reject) => {
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.once("close", (code) => {
      try {
        if (code !== 0) throw failed(`ended with ${String(code)}: ${errors.join(" ") || out}`);
        resolve(JSON.parse(out) as WatchSummary);
      } catch (error) {
        reject(
          error instanceof EdgeDistillError
            ? error
            : failed(`printed no summary: ${errorMessage(error)}`),
        );
      }
    });
  });
  summary.catch(() => undefined);
  return { child, ready, summary };
}

/** The files in turn, over and over, as if a camera took them. */
function inTurn(files: readonly string[], count: number): FrameSource {
  async function* frames({ signal }: { signal: AbortSignal }): AsyncGenerator<Frame> {
    for (let i = 0; i < count && !signal.aborted; i++) {
      const image = files[i % files.length] ?? "";
      yield await Promise.resolve({
        id: `${String(i)}-${basename(image)}`,
        capturedAt: captureTime(),
        image,
      });
    }
  }
  return { name: "held-out frames", frames };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/**
 * Runs a folder of frames through the bundle's runtime and publishes every result; a consumer in another process checks
 * and counts them.
 * @throws STREAM_UNREACHABLE, STREAM_CONSUMER, the bundle's and the runtime's errors
 */
export async function streamStage(options: StreamStageOptions): Promise<StreamResult> {
  const { brokerUrl, site, line, frameLimit, onProgress, logger, signal } = options;
  let firstFailure: EdgeDistillError | undefined;
  await using runtime = await openRuntime({
    bundle: options.bundlePath,
    device: options.device,
    trustedKeys: options.trustedKeys,
    onEvent: (event) => {
      if (event.kind === "frame-failed") firstFailure ??= event.error;
    },
  });
  const embedded: EmbeddedBroker | undefined =
    brokerUrl === undefined ? await startEmbeddedBroker() : undefined;
  const url = brokerUrl ?? embedded?.url ?? "";
  // of this job alone, whoever else is on the broker
  const device = `job-${String(process.pid)}`;
  const watcher = startWatcher(options.self, url, { site, device, logger });
  try {
    await watcher.ready;
    await using publisher = await openPublisher({
      url,
      site,
      group: line,
      device,
      birth: {
        software: { name: "edge-distill", version: runtime.manifest.version },
        streams: [{ name: "belt" }],
        classNames: [...runtime.manifest.classes],
        model: { sha256: runtime.variant.sha256, variant: runtime.variant.name },
      },
      ...(signal ? { signal } : {}),
    });
    const latencies: number[] = [];
    let published = 0;
    const start = performance.now();
    const source = inTurn(options.frames, frameLimit);
    for await (const result of runtime.stream(source, {
      policy: "every",
      ...(signal ? { signal } : {}),
    })) {
      await publisher.publishDetections("belt", publishable(result), signal ? { signal } : {});
      published++;
      latencies.push(result.stagesMs.infer);
      onProgress({
        stage: "stream",
        fraction: published / frameLimit,
        message: `${String(published)} frames published`,
      });
      if (published === Math.ceil(frameLimit / 2) && embedded) {
        logger.info(`cutting ${String(embedded.dropConnections())} connections`);
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const report = await publisher.close();
    throwIfAborted(signal, "streaming");
    if (firstFailure) throw firstFailure;
    if (report.undelivered.length > 0)
      throw new EdgeDistillError(
        "STREAM_UNREACHABLE",
        `The broker did not acknowledge ${String(report.undelivered.length)} of ${String(published)} messages`,
        { hint: "Check the broker, then run the same command again.", details: { published } },
      );
    const summary = await watcher.summary;
    const consumed = (summary.kinds["detections"] ?? 0) - summary.repeated;
    return {
      published,
      consumed,
      lost: published - consumed,
      duplicated: summary.repeated,
      redelivered: summary.droppedDuplicates,
      invalid: summary.invalid,
      reconnects: report.reconnects,
      broker: embedded ? "embedded" : "given",
      variant: runtime.variant.name,
      reason: runtime.selection.reason,
      latencyMs: median(latencies),
      framesPerSecond: published / seconds,
    };
  } finally {
    watcher.child.kill();
    await embedded?.close();
  }
}
