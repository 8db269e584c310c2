import { join } from "node:path";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { EdgeDistillError, writeFileAtomic, type Logger, type OnProgress } from "../base/index.js";
import { packBundle, readPublicKey, verifyBundle, type BundleDraft } from "../bundle/index.js";
import { openConsumer } from "../consumer/index.js";
import { loadDeviceProfile } from "../device/index.js";
import { openEngine } from "../engine/index.js";
import { renderReport } from "../evaluate/index.js";
import type { Model } from "../onnx/index.js";
import { loadCalibrationPreset } from "../quantize/index.js";
import { judgeBaseline } from "./baseline-stage.js";
import { openJobCheckpoints } from "./checkpoints.js";
import type { JobConfig } from "./config.js";
import type { JobData } from "./data-stage.js";
import { givenTeacher, studentStage, teacherStage } from "./distil-stage.js";
import { DECODER, fitScoreThreshold, jobInput, judgeModel, NMS_IOU } from "./judge.js";
import { loadTrainingImages, trainFromScratch, type NetworkContext } from "./networks.js";
import { buildReport } from "./report-stage.js";
import type { JobResult } from "./result.js";
import { jobKeys } from "./signing.js";
import { streamStage, type SelfCommand } from "./stream-stage.js";
import {
  variantDrafts,
  variantResults,
  variantsStage,
  type VariantsStage,
} from "./variants-stage.js";

export interface RunJobOptions {
  config: JobConfig;
  /** Reads or renders the data. */
  loadData: (onProgress: OnProgress) => Promise<JobData>;
  /** Show a threshold-and-components detector beside the student. */
  withBaseline?: boolean;
  /** How to start `edge-distill` again, for the consumer's process. */
  self: SelfCommand;
  version: string;
  onProgress: OnProgress;
  logger: Logger;
  signal?: AbortSignal;
}

/**
 * The main job: teacher, student, variants, signed bundle, stream. Everything lands in `config.output`, each file whole,
 * the report last. Where only the stream fails, the report is written and the error thrown.
 * @throws the errors of the rooms it goes through
 */
export async function runJob(options: RunJobOptions): Promise<JobResult> {
  const { config, self, version, onProgress, logger, signal } = options;
  const started = performance.now();
  const stageSeconds: Record<string, number> = {};
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    logger.info(`${stage} …`);
    try {
      return await work();
    } finally {
      stageSeconds[stage] = (performance.now() - start) / 1000;
    }
  };
  const folder = config.output;
  // a name that nothing bears costs no training
  await loadCalibrationPreset(config.quantize.preset);
  if (config.device !== "auto") await loadDeviceProfile(config.device);
  await checkBroker(config, signal);
  const given = await givenTeacher(config);
  const running = { config, onProgress, logger, ...(signal ? { signal } : {}) };
  const listed = await timed("data", () => options.loadData(onProgress));
  const { images, data } = await timed("decode", () =>
    loadTrainingImages({ ...running, data: listed }),
  );
  logger.info(
    `${String(data.unlabelled.images.length)} training images, labels of ${String(data.labelled.images.length)} used, ${String(data.heldOut.images.length)} held out, classes ${data.classes.join(", ")}`,
  );
  const keys = await jobKeys(folder);
  await using engine = await openEngine({ kind: "worker" });
  const checkpoints = await openJobCheckpoints({ config, data });
  const context: NetworkContext = { ...running, data, engine, checkpoints };
  const teacher = given ?? (await timed("teacher", () => teacherStage(context, images)));
  const student = await timed("student", () => studentStage(context, images, teacher));
  const scoreThreshold = await fitScoreThreshold(student.model, data, config, {
    ...context,
    name: "score threshold",
  });
  const scratch = config.student.scratch
    ? await timed("from scratch", () =>
        trainFromScratch(context, images, { cpuSeconds: student.cpuSeconds }),
      )
    : undefined;
  const judgedScratch = scratch
    ? await judgeModel(scratch.model, data, config, { ...context, name: "scratch" })
    : undefined;
  if (judgedScratch)
    logger.info(`the same student from scratch: mAP ${judgedScratch.map.toFixed(3)}`);
  const baseline = options.withBaseline
    ? await timed("baseline", () => judgeBaseline(data, config))
    : undefined;

  const stage = await timed("quantize and evaluate", () => variantsStage(student.model, context));
  const bundle = await timed("bundle", async () => {
    const draft = bundleDraft(config, data, stage, {
      version,
      scoreThreshold,
      seconds: (performance.now() - started) / 1000,
      student: { name: config.student.architecture, parameters: student.parameters },
      teacher: {
        name: teacher.network ? config.teacher.architecture : "given",
        parameters: teacher.network?.parameters ?? countParameters(teacher.model),
        sha256: createHash("sha256").update(teacher.bytes).digest("hex"),
      },
    });
    for (const { name, model } of draft.variants)
      if (typeof model !== "string")
        await writeFileAtomic(join(folder, "variants", `${name}.onnx`), model);
    const onDisk = draft.variants.map((v) => ({ ...v, model: `variants/${v.name}.onnx` }));
    await writeFileAtomic(
      join(folder, "bundle.json"),
      `${JSON.stringify({ ...draft, variants: onDisk }, null, 2)}\n`,
    );
    const path = join(folder, "bundle.tar");
    await packBundle(path, draft, {
      privateKey: await readFile(keys.private, "utf8"),
      overwrite: true,
    });
    const { keyId } = await verifyBundle(path, { trustedKeys: [await readPublicKey(keys.public)] });
    logger.info(`${path} verified with key ${keyId}`);
    return { path, trustedKeys: [await readFile(keys.public, "utf8")] };
  });

  // what was trained and packed is told also where the stream fails
  let failure: unknown;
  const stream = await timed("stream", () =>
    streamStage({
      bundlePath: bundle.path,
      trustedKeys: bundle.trustedKeys,
      device: config.device,
      frames: data.heldOut.images.map(({ path }) => path),
      frameLimit: config.stream.frames,
      ...(config.stream.brokerUrl === undefined ? {} : { brokerUrl: config.stream.brokerUrl }),
      site: config.stream.site,
      line: config.stream.line,
      self,
      onProgress,
      logger,
      ...(signal ? { signal } : {}),
    }),
  ).catch((error: unknown) => {
    failure = error;
    return null;
  });
  const report = join(folder, "report.html");
  const result: JobResult = {
    teacher: {
      name: teacher.network ? config.teacher.architecture : teacher.where,
      params: teacher.network?.parameters ?? countParameters(teacher.model),
      map50: teacher.judged?.map ?? null,
      cpuSeconds: teacher.network?.cpuSeconds ?? null,
    },
    student: {
      params: student.parameters,
      map50: student.judged.map,
      cpuSeconds: student.cpuSeconds,
    },
    scratch:
      judgedScratch && scratch
        ? { map50: judgedScratch.map, cpuSeconds: scratch.cpuSeconds }
        : null,
    baseline: baseline ? { map50: baseline.map } : null,
    variants: variantResults(stage),
    stream,
    iouThreshold: config.evaluation.iouThreshold,
    seconds: (performance.now() - started) / 1000,
    stageSeconds,
    files: { folder, report, bundle: bundle.path },
  };
  const document = await buildReport({
    config,
    heldOut: data.heldOut,
    result,
    judged: {
      student: student.judged,
      ...(teacher.judged ? { teacher: teacher.judged } : {}),
      ...(judgedScratch ? { scratch: judgedScratch } : {}),
      ...(baseline ? { baseline } : {}),
    },
    networks: {
      student,
      ...(teacher.network ? { teacher: teacher.network } : {}),
      ...(scratch ? { scratch } : {}),
    },
    scoreThreshold,
    engineVersion: engine.version,
  });
  await writeFileAtomic(report, renderReport(document));
  await writeFileAtomic(join(folder, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  if (failure !== undefined) throw failure as Error;
  if (stream !== null && (stream.lost !== 0 || stream.duplicated !== 0))
    throw new EdgeDistillError(
      "STREAM_CONSUMER",
      `Of ${String(stream.published)} messages the consumer missed ${String(stream.lost)} and got ${String(stream.duplicated)} twice`,
      {
        hint: `See ${report}; then run the same command again.`,
        details: { ...stream },
      },
    );
  await checkpoints.remove();
  return result;
}

/** The broker is needed last, after hours of training: whether it answers is asked first. @throws as openConsumer */
async function checkBroker(
  { stream: { brokerUrl, site } }: JobConfig,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (brokerUrl === undefined) return;
  const consumer = await openConsumer({ url: brokerUrl, site, ...(signal ? { signal } : {}) });
  await consumer.close();
}

function countParameters({ graph }: Model): number {
  let n = 0;
  for (const { initializer } of graph.initializers.values())
    if (initializer?.dtype === "float32") n += initializer.data.length;
  return n;
}

function bundleDraft(
  config: JobConfig,
  data: JobData,
  stage: VariantsStage,
  training: {
    version: string;
    scoreThreshold: number;
    seconds: number;
    student: { name: string; parameters: number };
    teacher: { name: string; parameters: number; sha256: string };
  },
): BundleDraft {
  const { calibration } = stage;
  const { version, seconds, student, teacher } = training;
  return {
    name: config.name,
    version: "1",
    task: "detect",
    classes: [...data.classes],
    input: jobInput(config),
    decoder: { id: DECODER, scoreThreshold: training.scoreThreshold, iouThreshold: NMS_IOU },
    variants: variantDrafts(stage, data.heldOut.images.length, config.evaluation.iouThreshold),
    ...(calibration
      ? {
          calibration: {
            preset: calibration.preset,
            method: calibration.method,
            images: calibration.samples,
            imagesSha256: calibration.imagesSha256,
          },
        }
      : {}),
    training: {
      tool: `edge-distill ${version}`,
      recipe: "distil on every image, fine-tune on the labelled ones",
      seed: config.seed,
      labelledImages: data.labelled.images.length,
      unlabelledImages: data.unlabelled.images.length,
      seconds,
      student,
      teacher,
    },
    ...(config.licences ? { licences: config.licences } : {}),
  };
}
