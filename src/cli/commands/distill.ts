import { resolve } from "node:path";
import { distilJob, loadJobConfig, loadJobData, type JobConfig } from "../../job/index.js";
import { defineCommand } from "../command.js";

export default defineCommand({
  name: "distill",
  description:
    "Trains or loads the teacher of a job's config, distils the student, fine-tunes it, and writes student.onnx.",
  example: [
    "edge-distill distill --config examples/boards.json --data path/to/deeppcb --out out/boards",
  ],
  options: {
    config: { type: "string", value: "FILE", description: "The job's config", required: true },
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
      description: "Folder for teacher.onnx and student.onnx, instead of the config's",
    },
  },
  async run({ config: path, data, teacher, out }, { signal, onProgress, logger, result }) {
    const base = await loadJobConfig(path);
    const config: JobConfig = {
      ...base,
      ...(out === undefined ? {} : { output: resolve(out) }),
      data: { ...base.data, ...(data === undefined ? {} : { root: resolve(data) }) },
      teacher: { ...base.teacher, ...(teacher === undefined ? {} : { onnx: resolve(teacher) }) },
    };
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
