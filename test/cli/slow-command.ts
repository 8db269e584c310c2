import { setTimeout } from "node:timers/promises";
import { defineCommand } from "../../src/cli/command.js";
import { runProcess } from "../../src/cli/process.js";

const slow = defineCommand({
  name: "slow",
  description: "Waits for a minute",
  example: ["edge-distill slow"],
  options: { deaf: { type: "boolean", description: "Do not listen to Ctrl-C" } },
  async run({ deaf }, { signal, logger }) {
    logger.info("ready");
    await setTimeout(60_000, undefined, deaf ? {} : { signal });
  },
});

await runProcess({
  commands: {
    slow: { description: slow.description, load: () => Promise.resolve({ default: slow }) },
  },
});
