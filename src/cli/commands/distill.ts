import { distilJob, loadJobData } from "../../job/index.js";
import { defineCommand } from "../command.js";
import { jobConfigOf, jobOptions } from "../job-arguments.js";

export default defineCommand({
  name: "distill",
  description:
    "Trains or loads the teacher of a job's config, distils the student, fine-tunes it, and writes student.onnx.",
  example: [
    "edge-distill distill --config examples/boards.json --data path/to/deeppcb --out out/boards",
  ],
  options: {
    ...jobOptions,
  },
  async run(args, { signal, onProgress, logger, result }) {
    const config = await jobConfigOf(args);
    const {
      file,
      student,
      teacher: taught,
    } = await distilJob({
      config,
      data: await loadJobData(config, logger),
      onProgress,
      logger,
      signal,
    });
    const summary = {
      file,
      params: student.parameters,
      map: student.judged.map,
      teacherMap: taught.judged?.map ?? null,
    };
    result(`${file}: ${String(summary.params)} parameters, mAP ${summary.map.toFixed(3)}`, summary);
  },
});
