import { EdgeDistillError } from "../../base/index.js";
import { openConsumer, type Consumer, type Delivery } from "../../consumer/index.js";
import { defineCommand } from "../command.js";

/** One line for people. */
function line({ message, address }: Delivery, classNames: readonly string[]): string {
  const head = `${message.time} ${address.device}`;
  switch (message.type) {
    case "edge-distill.detections.v1": {
      const { frame, count, classIds, scores } = message.data;
      const objects = classIds.map(
        (id, i) => `${classNames[id] ?? String(id)} ${(scores[i] ?? 0).toFixed(2)}`,
      );
      return `${head} ${frame.id}: ${count === 0 ? "nothing" : objects.join(", ")}`;
    }
    case "edge-distill.state.v1":
      return `${head} is ${message.data.status}`;
    case "edge-distill.birth.v1":
      return `${head} runs ${message.data.model?.variant ?? "no model"}, classes ${message.data.classNames.join(", ")}`;
    case "edge-distill.stats.v1":
      return `${head} published ${String(message.data.published)}, waiting ${String(message.data.outbox.messages)}`;
  }
}

/** How long after a good-bye the rest of what it counts is waited for. */
const GOODBYE_GRACE_SECONDS = 10;

/** Whether something that this boot published is still on its way. */
const isIncomplete = (consumer: Consumer, boot: string): boolean =>
  consumer.gaps().some((gap) => gap.boot === boot);

export default defineCommand({
  name: "watch",
  description:
    "Listens to devices: checks every message against its schema, drops repeated ones, proves gaps, and sums up at the end.",
  example: [
    "edge-distill watch --broker mqtt://127.0.0.1:1883",
    "edge-distill watch --broker mqtt://127.0.0.1:1883 --site plant-1 --count 100 --json",
  ],
  options: {
    broker: {
      type: "string",
      value: "URL",
      description: "mqtt://, mqtts://, ws:// or wss://",
      required: true,
    },
    site: { type: "string", value: "NAME", description: "Only this site" },
    device: { type: "string", value: "NAME", description: "Only this device" },
    "client-id": {
      type: "string",
      value: "NAME",
      description: "Fixed name, by which the broker keeps messages while this is away",
    },
    count: {
      type: "number",
      value: "N",
      description: "Stop after so many detections messages",
      integer: true,
      min: 1,
    },
    "until-offline": { type: "boolean", description: "Stop when a device says good-bye" },
    "idle-seconds": {
      type: "number",
      value: "S",
      description: "Stop when nothing came for so long",
      min: 1,
    },
    "from-start": {
      type: "boolean",
      description: "Count what precedes the first message seen as missing",
    },
  },
  async run(args, { signal, json, logger, result }) {
    const stop = new AbortController();
    const end = (): void => {
      stop.abort();
    };
    signal.addEventListener("abort", end, { once: true });
    let timer: NodeJS.Timeout | undefined;
    let idle = false;
    const touch = (seconds = args["idle-seconds"]): void => {
      clearTimeout(timer);
      if (seconds !== undefined)
        timer = setTimeout(() => {
          idle = true;
          end();
        }, seconds * 1000);
    };
    await using consumer = await openConsumer({
      url: args.broker,
      ...(args.site === undefined ? {} : { site: args.site }),
      ...(args.device === undefined ? {} : { device: args.device }),
      ...(args["client-id"] === undefined ? {} : { clientId: args["client-id"] }),
      fromStart: args["from-start"],
      log: logger,
      signal: stop.signal,
      onDeadLetter: ({ topic, error }) => {
        logger.warn(`${topic}: ${error.message}`);
      },
    });
    logger.info(`listening on ${args.broker.replace(/\/\/[^@/]*@/, "//")}`);
    const ids = new Set<string>();
    /** Boots heard live: a retained good-bye of any other is of a device that had left before. */
    const heard = new Set<string>();
    /** Boots that said good-bye. */
    const gone = new Set<string>();
    const kinds: Record<string, number> = {};
    let repeated = 0;
    const classNames = new Map<string, readonly string[]>();
    touch();
    try {
      for await (const delivery of consumer) {
        const { message, address } = delivery;
        touch();
        if (ids.has(message.id)) repeated++;
        ids.add(message.id);
        kinds[address.kind] = (kinds[address.kind] ?? 0) + 1;
        if (message.type === "edge-distill.birth.v1")
          classNames.set(message.source, message.data.classNames);
        if (!json) logger.info(line(delivery, classNames.get(message.source) ?? []));
        if (args.count !== undefined && (kinds["detections"] ?? 0) >= args.count) break;
        const { boot } = message.data.trace;
        if (!delivery.retained) heard.add(boot);
        if (
          message.type === "edge-distill.state.v1" &&
          message.data.status === "offline" &&
          message.data.reason === "closed" &&
          heard.has(boot)
        )
          gone.add(boot);
        // after a reconnect the retained good-bye may overtake what the broker kept for this client
        if (args["until-offline"] && gone.has(boot) && !isIncomplete(consumer, boot)) break;
        if (args["until-offline"] && gone.has(boot))
          touch(Math.min(args["idle-seconds"] ?? Infinity, GOODBYE_GRACE_SECONDS));
      }
    } catch (error) {
      if (!(error instanceof EdgeDistillError && error.code === "INTERRUPTED")) throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
    const { received, duplicates, invalid, missing, reconnects } = consumer.counters;
    const summary = {
      received,
      delivered: ids.size,
      kinds,
      repeated,
      droppedDuplicates: duplicates,
      invalid,
      missing,
      reconnects,
      idle,
    };
    result(
      `${String(ids.size)} messages (${
        Object.entries(kinds)
          .map(([k, n]) => `${String(n)} ${k}`)
          .join(", ") || "none"
      }); missing ${String(missing)}, repeated to us ${String(repeated)}, invalid ${String(invalid)}`,
      summary,
    );
  },
});
