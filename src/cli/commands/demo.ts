import { demoConfig, renderDemoData, runJob, type DemoSize } from "../../job/index.js";
import { defineCommand } from "../command.js";
import { jobText, selfCommand } from "../job-output.js";
import { version } from "../version.js";

export default defineCommand({
  name: "demo",
  description:
    "Does the main job on images that it renders: trains a teacher, distils a student, quantizes it, packs and signs a bundle, and streams detections to a consumer in another process.",
  example: ["edge-distill demo", "edge-distill demo --quick --json"],
  options: {
    quick: {
      type: "boolean",
      description: "Smaller, same code, budgeted for 90 seconds; learns too little to be judged",
    },
    out: {
      type: "string",
      value: "DIR",
      description: "Folder for all results",
      default: "demo-out",
    },
    seed: {
      type: "number",
      value: "N",
      description: "Names images, weights and draws",
      default: 1,
      integer: true,
      min: 0,
    },
    broker: {
      type: "string",
      value: "URL",
      description: "A broker to use; default: an embedded one, cut once",
    },
  },
  async run({ quick, out, seed, broker }, { signal, onProgress, logger, result }) {
    const size: DemoSize = quick ? "quick" : "full";
    const config = demoConfig({
      size,
      output: out,
      seed,
      ...(broker === undefined ? {} : { brokerUrl: broker }),
    });
    const done = await runJob({
      config,
      loadData: (progress) => renderDemoData(config, { size, onProgress: progress, signal }),
      withBaseline: true,
      self: selfCommand(),
      version: version(),
      onProgress,
      logger,
      signal,
    });
    result(jobText(done), done);
  },
});
