import { loadCoco } from "./coco.js";
import { loadDeepPcb } from "./deeppcb.js";
import { loadFolder } from "./folder.js";
import type { LoadedDataset } from "./loaded.js";
import { loadVoc } from "./voc.js";
import { loadYolo } from "./yolo.js";

/** Layouts that {@link loadDataset} reads. */
export const DATASET_FORMATS = ["coco", "yolo", "voc", "deeppcb", "folder"] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

/** Where a dataset is and how to read it. */
export interface DatasetSource {
  format: DatasetFormat;
  root: string;
  /** Name in reports; the root when absent. */
  name?: string;
  /** The layout's own name of a part: `val2017`, `trainval`, `train`, `held-out`. */
  split?: string;
  /** Class names in order. YOLO also takes the path of a file of names. */
  classes?: readonly string[] | string;
  /** COCO: the json file. */
  annotations?: string;
  /** YOLO: what an image without a label file is. */
  withoutLabelFile?: "unlabelled" | "empty";
  /** VOC without lists: seed of the 50/50 split. */
  splitSeed?: number;
  /** Regular expression on the file's name (without extension): its first capture, or the match, is the group. */
  groupPattern?: RegExp | string;
  licence?: string;
}

/**
 * Reads a dataset's list and labels, not its pixels.
 * @throws DATA_MISSING, DATA_EMPTY, DATA_LABEL_INVALID, DATA_LABEL_UNKNOWN_CLASS, IMAGE_NOT_AN_IMAGE
 */
export async function loadDataset(source: DatasetSource): Promise<LoadedDataset> {
  const { format, root, name, split, classes, annotations, withoutLabelFile, splitSeed, licence } =
    source;
  const groupPattern =
    typeof source.groupPattern === "string" ? new RegExp(source.groupPattern) : source.groupPattern;
  const common = {
    ...(name === undefined ? {} : { name }),
    ...(groupPattern === undefined ? {} : { groupPattern }),
  };
  const ofSplit = split === undefined ? common : { ...common, split };
  const names = classes === undefined || typeof classes === "string" ? {} : { classes };
  const load = async (): Promise<LoadedDataset> => {
    switch (format) {
      case "coco":
        return loadCoco(root, {
          ...ofSplit,
          ...(annotations === undefined ? {} : { annotations }),
        });
      case "yolo":
        return loadYolo(root, {
          ...ofSplit,
          ...(classes === undefined ? {} : { classes }),
          ...(withoutLabelFile === undefined ? {} : { withoutLabelFile }),
        });
      case "voc":
        return loadVoc(root, {
          ...ofSplit,
          ...names,
          ...(splitSeed === undefined ? {} : { splitSeed }),
        });
      case "deeppcb":
        return loadDeepPcb(root, ofSplit);
      case "folder":
        return loadFolder(root, { ...common, ...names });
    }
  };
  const loaded = await load();
  return licence === undefined ? loaded : { ...loaded, licence };
}
