import { join } from "node:path";
import {
  readFileBytes,
  writeFileAtomic,
  writeFilesAtomic,
  type Logger,
  type OnProgress,
} from "../base/index.js";
import { openEngine } from "../engine/index.js";
import type { InputSpec } from "../image/index.js";
import { parseModel, type Model } from "../onnx/index.js";
import { openJobCheckpoints } from "./checkpoints.js";
import type { JobConfig } from "./config.js";
import type { JobData } from "./data-stage.js";
import { judgeModel, type Judged } from "./judge.js";
import {
  loadTrainingImages,
  trainStudent,
  trainTeacher,
  type NetworkContext,
  type TrainedNetwork,
  type TrainingImages,
} from "./networks.js";
import { loadTeacher } from "./teacher-file.js";

/** A teacher, trained here or given as a file. */
export interface TeacherStage {
  /** The graph that teaches. */
  model: Model;
  input: InputSpec;
  where: string;
  /** The file's content. */
  bytes: Uint8Array;
  /** Only of a teacher trained here. */
  network?: TrainedNetwork;
  judged?: Judged;
}

export type StudentStage = TrainedNetwork & { judged: Judged };

/**
 * The teacher that the config names, if it names one. Loaded before anything that takes long, since the file may be bad.
 * @throws IO_NOT_FOUND, the onnx room's errors, CONFIG_INVALID when its input size is unknown
 */
export async function givenTeacher({ teacher }: JobConfig): Promise<TeacherStage | undefined> {
  const { onnx, input } = teacher;
  if (onnx === undefined) return undefined;
  return { ...(await loadTeacher(onnx, input)), where: onnx, bytes: await readFileBytes(onnx) };
}

/** Trains a teacher; writes it as `teacher.onnx`, and as `teaching.onnx` the graph that teaches and can be given again. */
export async function teacherStage(
  context: NetworkContext,
  images: TrainingImages,
): Promise<TeacherStage> {
  const { config, data, logger } = context;
  const { teaching, whole } = await trainTeacher(context, images);
  await writeFilesAtomic([
    [join(config.output, "teacher.onnx"), whole.model],
    [join(config.output, "teaching.onnx"), teaching.model],
  ]);
  const judged = await judgeModel(whole.model, data, config, { ...context, name: "teacher" });
  logger.info(`teacher: mAP ${judged.map.toFixed(3)} with ${String(whole.parameters)} parameters`);
  return {
    model: parseModel(teaching.model),
    input: teaching.input,
    where: "teacher.onnx",
    bytes: whole.model,
    network: whole,
    judged,
  };
}

/** Distils and fine-tunes the student, writes `student.onnx`, judges it. */
export async function studentStage(
  context: NetworkContext,
  images: TrainingImages,
  teacher: TeacherStage,
): Promise<StudentStage> {
  const { config, data, logger } = context;
  const student = await trainStudent(context, images, teacher);
  await writeFileAtomic(join(config.output, "student.onnx"), student.model);
  const judged = await judgeModel(student.model, data, config, { ...context, name: "student" });
  logger.info(
    `student: mAP ${judged.map.toFixed(3)} with ${String(student.parameters)} parameters`,
  );
  return { ...student, judged };
}

/** The training part of a job alone: `teacher.onnx` (when trained) and `student.onnx` in the job's output folder. */
export async function distilJob(job: {
  config: JobConfig;
  data: JobData;
  onProgress: OnProgress;
  logger: Logger;
  signal?: AbortSignal;
}): Promise<{ file: string; teacher: TeacherStage; student: StudentStage }> {
  const { config } = job;
  const given = await givenTeacher(config);
  const { images, data } = await loadTrainingImages(job);
  await using engine = await openEngine({ kind: "worker" });
  const checkpoints = await openJobCheckpoints({ config, data });
  const context: NetworkContext = { ...job, data, engine, checkpoints };
  const teacher = given ?? (await teacherStage(context, images));
  const student = await studentStage(context, images, teacher);
  await checkpoints.remove();
  return { file: join(config.output, "student.onnx"), teacher, student };
}
