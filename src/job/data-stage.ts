import {
  labelledImages,
  loadDataset,
  takeLabelled,
  withoutLabels,
  type AugmentOptions,
  type Dataset,
} from "../data/index.js";
import type { Logger } from "../base/index.js";
import type { JobConfig } from "./config.js";

/** What a job trains on and is judged by. */
export interface JobData {
  classes: readonly string[];
  /** Every training image, labels left out. */
  unlabelled: Dataset;
  /** The few training images whose labels are used. */
  labelled: Dataset;
  heldOut: Dataset;
}

const SPLITS = {
  coco: ["train", "val"],
  yolo: ["train", "val"],
  voc: ["train", "test"],
  deeppcb: ["trainval", "test"],
} as const;

/** Reads the user's data set. @throws the data room's errors */
export async function loadJobData(
  { data, evaluation, licences }: JobConfig,
  logger: Logger,
): Promise<JobData> {
  const [train, heldOut] = SPLITS[data.format];
  const source = {
    format: data.format,
    root: data.root,
    splitSeed: data.splitSeed,
    ...(data.classes === undefined ? {} : { classes: data.classes }),
    ...(licences?.data === undefined ? {} : { licence: licences.data }),
  };
  const training = await loadDataset({ ...source, split: data.trainSplit ?? train });
  const test = await loadDataset({ ...source, split: data.heldOutSplit ?? heldOut });
  for (const { name, warnings } of [training, test])
    if (warnings.clippedBoxes > 0)
      logger.warn(
        `${name}: ${String(warnings.clippedBoxes)} boxes stuck out of their image and were clipped`,
      );
  const labelled =
    data.labelledImages === undefined
      ? { ...training, images: labelledImages(training) }
      : takeLabelled(training, data.labelledImages, data.splitSeed);
  const more =
    data.unlabelled === undefined
      ? []
      : (await loadDataset({ format: "folder", root: data.unlabelled })).images;
  const unlabelled = withoutLabels(training);
  return {
    classes: training.classes,
    labelled,
    unlabelled: {
      ...unlabelled,
      images: [
        ...unlabelled.images,
        ...more.map((image) => ({ ...image, id: `more/${image.id}` })),
      ],
    },
    heldOut:
      evaluation.maxImages === undefined
        ? test
        : { ...test, images: test.images.slice(0, evaluation.maxImages) },
  };
}

/** The augmentation that a config asks for, in the data room's terms. */
export function augmentOptions({ augment }: JobConfig): Partial<AugmentOptions> {
  return {
    flipHorizontal: augment.flipHorizontal ? 0.5 : 0,
    flipVertical: augment.flipVertical ? 0.5 : 0,
    quarterTurn: augment.rotate90 ? 0.5 : 0,
    paste: augment.pasteProbability,
  };
}
