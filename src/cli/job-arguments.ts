import { resolve } from "node:path";
import { loadJobConfig, type JobConfig } from "../job/index.js";

/** Flags of the commands that do a config's job, or a part of it. */
export const jobOptions = {
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
    description: "Folder for all results, instead of the config's",
  },
} as const;

/** The config that the flags name, with what they put in its place. @throws IO_NOT_FOUND, CONFIG_INVALID */
export async function jobConfigOf({
  config,
  data,
  teacher,
  out,
}: {
  config: string;
  data?: string | undefined;
  teacher?: string | undefined;
  out?: string | undefined;
}): Promise<JobConfig> {
  const base = await loadJobConfig(config);
  return {
    ...base,
    ...(out === undefined ? {} : { output: resolve(out) }),
    data: { ...base.data, ...(data === undefined ? {} : { root: resolve(data) }) },
    teacher: { ...base.teacher, ...(teacher === undefined ? {} : { onnx: resolve(teacher) }) },
  };
}
