import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { ioError, readFileBytes } from "../base/index.js";
import type { JobConfig } from "./config.js";
import type { JobData } from "./data-stage.js";

/** Where a job's training stages leave their state until the job is done. */
export interface JobCheckpoints {
  /** A stage's file, and the name of the run that it belongs to. */
  of(stage: string): { path: string; key: string };
  /** Ends the need for them: the job is done. */
  remove(): Promise<void>;
}

const FOLDER = ".edge-distill-checkpoints";

/** Everything that decides what is trained, and the CPU; a run in which any of it differs starts over. */
async function runKey({ config, data }: { config: JobConfig; data: JobData }): Promise<string> {
  const { input, augment, teacher, student, training, seed } = config;
  const images = ({ images: records }: JobData["labelled"]): Promise<unknown> =>
    Promise.all(
      records.map(async ({ id, path, widthPx, heightPx, annotations }) => {
        const { size } = await stat(path);
        return [id, size, widthPx, heightPx, annotations];
      }),
    );
  const hash = createHash("sha256").update(
    JSON.stringify([
      { input, augment, teacher, student, training, seed },
      data.classes,
      await images(data.labelled),
      await images(data.unlabelled),
      cpus()[0]?.model,
    ]),
  );
  if (teacher.onnx !== undefined) hash.update(await readFileBytes(teacher.onnx));
  return hash.digest("hex").slice(0, 16);
}

/**
 * Opens the checkpoints of this very job in its output folder, so that it goes on where it was interrupted. Those of a
 * job with another config or other images are removed.
 * @throws IO_NOT_FOUND when the teacher is not there, IO_FAILED
 */
export async function openJobCheckpoints(job: {
  config: JobConfig;
  data: JobData;
}): Promise<JobCheckpoints> {
  const key = await runKey(job);
  const root = join(job.config.output, FOLDER);
  try {
    // what is not named like a run of ours is not ours to delete
    for (const other of existsSync(root) ? await readdir(root) : [])
      if (/^[0-9a-f]{16}$/.test(other) && other !== key)
        await rm(join(root, other), { recursive: true, force: true });
  } catch (error) {
    throw ioError(error, root, "clearing");
  }
  return {
    of: (stage) => ({ path: join(root, key, `${stage.replaceAll(" ", "-")}.ckpt`), key }),
    remove: async () => {
      try {
        await rm(join(root, key), { recursive: true, force: true });
        if (existsSync(root) && (await readdir(root)).length === 0) await rmdir(root);
      } catch (error) {
        throw ioError(error, root, "clearing");
      }
    },
  };
}
