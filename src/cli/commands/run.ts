import { resolve } from "node:path";
import { loadJobConfig, loadJobData, runJob, type JobConfig } from "../../job/index.js";
import { defineCommand } from "../command.js";
import { jobText, selfCommand } from "../job-output.js";
import { version } from "../version.js";

export default defineCommand({
  name: "run",
  description:
    "Does the main job on your own images: everything from the teacher to the stream, as the config file says.",
  example: ["edge-distill run --config examples/boards.json --data path/to/deeppcb"],
  options: {
    config: {
      type: "string",
      value: "FILE",
      description: "The job's config",
      required: true,
    },
    data: {
      type: "string",
      value: "DIR",
      description: "Folder of the data set, instead of the config's",
    },
    teacher: {
      type: "string",
      value: "FILE",
      description: "An ONNX teacher, instead of the config's",
    },
    out: {
      type: "string",
      value: "DIR",
      description: "Folder for all results, instead of the config's",
    },
    broker: { type: "string", value: "URL", description: "A broker, instead of the config's" },
    seed: {
      type: "number",
      value: "N",
      description: "Instead of the config's",
      integer: true,
      min: 0,
    },
  },
  async run(
    { config: path, data, teacher, out, broker, seed },
    { signal, onProgress, logger, result },
  ) {
    const base = await loadJobConfig(path);
    const config: JobConfig = {
      ...base,
      ...(out === undefined ? {} : { output: resolve(out) }),
      ...(seed === undefined ? {} : { seed }),
      data: { ...base.data, ...(data === undefined ? {} : { root: resolve(data) }) },
      teacher: { ...base.teacher, ...(teacher === undefined ? {} : { onnx: resolve(teacher) }) },
      stream: { ...base.stream, ...(broker === undefined ? {} : { brokerUrl: broker }) },
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
