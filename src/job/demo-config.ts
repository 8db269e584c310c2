import { join } from "node:path";
import type { OnProgress } from "../base/index.js";
import { LINE_CLASSES, renderLineSet } from "../data/index.js";
import { parseJobConfig, type JobConfig, type JobConfigInput } from "./config.js";
import type { JobData } from "./data-stage.js";

/** How much of each the demo makes: `full` for people, `quick` for continuous integration. */
export type DemoSize = "full" | "quick";

const COUNTS = {
  full: { unlabelled: 320, labelled: 32, heldOut: 100 },
  quick: { unlabelled: 48, labelled: 32, heldOut: 24 },
} as const;

const SECONDS = {
  full: { pretrain: 25, teacher: 125, distil: 26, finetune: 12 },
  quick: { pretrain: 4, teacher: 8, distil: 6, finetune: 4 },
} as const;

/** The demo's job: parts on a belt that the project renders itself. */
export function demoConfig({
  size = "full",
  output,
  seed = 1,
  brokerUrl,
  device = "auto",
}: {
  size?: DemoSize;
  output: string;
  seed?: number;
  brokerUrl?: string;
  device?: string;
}): JobConfig {
  const seconds = SECONDS[size];
  const input: JobConfigInput = {
    name: "line-demo",
    data: { format: "coco", root: output, labelledImages: COUNTS[size].labelled },
    input: { widthPx: 512, heightPx: 384, trainWidthPx: 128, trainHeightPx: 128 },
    augment: { flipHorizontal: true, flipVertical: true, pasteProbability: 0.5 },
    teacher: {
      architecture: "teacher",
      pretrainSeconds: seconds.pretrain,
      trainSeconds: seconds.teacher,
    },
    student: {
      architecture: "n",
      distilSeconds: seconds.distil,
      finetuneSeconds: seconds.finetune,
    },
    training: { batch: 12, learningRate: 5e-3 },
    quantize: { preset: size === "quick" ? "fast" : "default" },
    device,
    stream: {
      site: "demo",
      line: "line-1",
      frames: size === "quick" ? 40 : 200,
      ...(brokerUrl === undefined ? {} : { brokerUrl }),
    },
    licences: { model: "Apache-2.0", data: "Apache-2.0, rendered by edge-distill" },
    output,
    seed,
  };
  return parseJobConfig(input, { where: "demo", folder: "." });
}

/** Renders the demo's images. @throws IO_DISK_FULL, INTERRUPTED */
export async function renderDemoData(
  { output, seed }: JobConfig,
  {
    size = "full",
    onProgress,
    signal,
  }: { size?: DemoSize; onProgress: OnProgress; signal?: AbortSignal },
): Promise<JobData> {
  const set = await renderLineSet(join(output, "frames"), {
    seed,
    counts: COUNTS[size],
    onProgress,
    ...(signal ? { signal } : {}),
  });
  const pictures = set.labelled.images.map(({ annotations: _, ...image }) => ({
    ...image,
    id: `labelled/${image.id}`,
  }));
  return {
    classes: LINE_CLASSES,
    labelled: set.labelled,
    unlabelled: { ...set.unlabelled, images: [...set.unlabelled.images, ...pictures] },
    heldOut: set.heldOut,
  };
}
