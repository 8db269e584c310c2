import { loadJobData, runJob, type JobConfig } from "../../job/index.js";
import { defineCommand } from "../command.js";
import { jobConfigOf, jobOptions } from "../job-arguments.js";
import { jobText, selfCommand } from "../job-output.js";
import { version } from "../version.js";

export default defineCommand({
  name: "run",
  description:
    "Does the main job on your own images: everything from the teacher to the stream, as the config file says.",
  example: ["edge-distill run --config examples/boards.json --data path/to/deeppcb"],
  options: {
    ...jobOptions,
    broker: { type: "string", value: "URL", description: "A broker, instead of the config's" },
    seed: {
      type: "number",
      value: "N",
      description: "Instead of the config's",
      integer: true,
      min: 0,
    },
  },
  async run(args, { signal, onProgress, logger, result }) {
    const base = await jobConfigOf(args);
    const config: JobConfig = {
      ...base,
      ...(args.seed === undefined ? {} : { seed: args.seed }),
      stream: {
        ...base.stream,
        ...(args.broker === undefined ? {} : { brokerUrl: args.broker }),
      },
    };
    const done = await runJob({
      config,
      loadData: () => loadJobData(config, logger),
      self: selfCommand(),
      version: version(),
      onProgress,
      logger,
      signal,
    });
    result(jobText(done), done);
  },
});
