import { EdgeDistillError } from "../../base/index.js";
import { folderSource, openRuntime, publishable, type RuntimeEvent } from "../../runtime/index.js";
import { openPublisher, redactUrl } from "../../stream/index.js";
import { readPublicKey } from "../../bundle/index.js";
import { defineCommand } from "../command.js";

export default defineCommand({
  name: "stream",
  description:
    "Runs a folder of frames through a bundle's model and publishes every result over MQTT.",
  example: [
    "edge-distill demo",
    "edge-distill stream --bundle demo-out/bundle.tar --key demo-out/signing-public.pem --source demo-out/frames/held-out --broker mqtt://127.0.0.1:1883",
  ],
  options: {
    bundle: {
      type: "string",
      value: "PATH",
      description: "The bundle: a folder or a .tar",
      required: true,
    },
    key: {
      type: "string",
      value: "FILE",
      description: "A public key that this device trusts",
      required: true,
      multiple: true,
    },
    source: {
      type: "string",
      value: "DIR",
      description: "Folder of images, in the order of their names",
      required: true,
    },
    broker: {
      type: "string",
      value: "URL",
      description: "mqtt://, mqtts://, ws:// or wss://",
      required: true,
    },
    site: {
      type: "string",
      value: "NAME",
      description: "First level of the topics",
      default: "site",
    },
    line: {
      type: "string",
      value: "NAME",
      description: "Production line or fleet",
      default: "line-1",
    },
    device: {
      type: "string",
      value: "NAME",
      description: "Name of this device",
      default: "camera-1",
    },
    stream: { type: "string", value: "NAME", description: "Name of the stream", default: "frames" },
    profile: {
      type: "string",
      value: "ID",
      description: "Device profile: an id, a file, or auto",
      default: "auto",
    },
    fps: {
      type: "number",
      value: "N",
      description: "Frames per second; default: as fast as they can be run",
      min: 0.001,
    },
    loop: { type: "boolean", description: "Begin again at the end of the folder, until Ctrl-C" },
  },
  async run(args, { signal, logger, onProgress, result }) {
    const trustedKeys = await Promise.all(args.key.map((path) => readPublicKey(path)));
    let failed = 0;
    let firstFailure: EdgeDistillError | undefined;
    const broker = redactUrl(args.broker);
    const onEvent = (event: RuntimeEvent): void => {
      if (event.kind !== "frame-failed") return;
      failed++;
      firstFailure ??= event.error;
      logger.warn(`${event.frameId}: ${event.error.message}`);
    };
    await using runtime = await openRuntime({
      bundle: args.bundle,
      trustedKeys,
      device: args.profile,
      onEvent,
      signal,
    });
    logger.info(`${runtime.variant.name}: ${runtime.selection.reason}`);
    const publisher = await openPublisher({
      url: args.broker,
      site: args.site,
      group: args.line,
      device: args.device,
      birth: {
        software: { name: "edge-distill", version: runtime.manifest.version },
        streams: [{ name: args.stream }],
        classNames: [...runtime.manifest.classes],
        model: { sha256: runtime.variant.sha256, variant: runtime.variant.name },
        profile: runtime.profile.id,
      },
      log: logger,
      signal,
    });
    let published = 0;
    const close = async (): Promise<StreamCounts> => {
      const { undelivered, reconnects } = await publisher.close();
      return { published, undelivered: undelivered.length, failed, reconnects };
    };
    const text = (counts: StreamCounts): string =>
      `${String(counts.published)} frames published to ${broker}, ${String(counts.undelivered)} not acknowledged, ${String(counts.failed)} frames failed`;
    try {
      const source = folderSource(args.source, {
        loop: args.loop,
        ...(args.fps === undefined ? {} : { fps: args.fps }),
      });
      for await (const frame of runtime.stream(source, { signal, policy: "every" })) {
        await publisher.publishDetections(args.stream, publishable(frame), { signal });
        published++;
        onProgress({
          stage: "stream",
          fraction: 0,
          message: `${String(published)} frames published`,
        });
      }
    } catch (error) {
      logger.warn(text(await close()));
      throw error;
    }
    const counts = await close();
    if (!signal.aborted) throwIfIncomplete(counts, { broker, firstFailure });
    result(text(counts), counts);
    return signal.aborted ? 130 : 0;
  },
});

/** What became of the frames. */
interface StreamCounts {
  published: number;
  /** Frames the broker did not answer for. */
  undelivered: number;
  /** Frames that could not be read. */
  failed: number;
  reconnects: number;
}

/** A stream that came to its end, but not with every frame. @throws STREAM_UNREACHABLE, the first frame's error */
function throwIfIncomplete(
  counts: StreamCounts,
  { broker, firstFailure }: { broker: string; firstFailure: EdgeDistillError | undefined },
): void {
  const { published, undelivered, failed } = counts;
  if (undelivered > 0)
    throw new EdgeDistillError(
      "STREAM_UNREACHABLE",
      `The broker ${broker} did not answer for ${String(undelivered)} of ${String(published)} frames`,
      { hint: "Check the broker, then stream the folder again.", details: { ...counts } },
    );
  if (firstFailure !== undefined)
    throw new EdgeDistillError(
      firstFailure.code,
      `${String(failed)} of ${String(published + failed)} frames could not be read, the others are published; the first: ${firstFailure.message}`,
      {
        ...(firstFailure.hint === undefined ? {} : { hint: firstFailure.hint }),
        details: { ...firstFailure.details, ...counts },
        cause: firstFailure,
      },
    );
}
