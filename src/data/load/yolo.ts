import { extname, join, relative } from "node:path";
import { readFileBytes } from "../../base/index.js";
import type { Annotation, ImageRecord } from "../dataset.js";
import { readClassNames } from "./class-names.js";
import {
  checkBox,
  exists,
  groupOf,
  imageSizes,
  labelInvalid,
  listImages,
  noWarnings,
  unknownClass,
  type LoadedDataset,
  type LoadWarnings,
} from "./loaded.js";

export interface YoloOptions {
  name?: string;
  /** Subfolder of `images/` and `labels/`; without it, all below them. */
  split?: string;
  /** Class names, or the file that holds them; found in `root` when absent. */
  classes?: readonly string[] | string;
  /** What an image without a label file is: not labelled, or labelled and empty. */
  withoutLabelFile?: "unlabelled" | "empty";
  groupPattern?: RegExp;
}

/**
 * Reads YOLO txt labels (`class xCentre yCentre width height`, shares of the image). Labels lie in `labels/` parallel
 * to `images/`, or beside the images.
 * @throws DATA_MISSING, DATA_EMPTY, DATA_LABEL_INVALID, DATA_LABEL_UNKNOWN_CLASS, IMAGE_NOT_AN_IMAGE
 */
export async function loadYolo(
  root: string,
  {
    name = root,
    split,
    classes: given,
    withoutLabelFile = "unlabelled",
    groupPattern,
  }: YoloOptions = {},
): Promise<LoadedDataset> {
  const classes = await readClassNames(root, given);
  const parallel = await exists(join(root, "images"));
  const imageRoot = parallel ? join(root, "images") : root;
  const folder = split === undefined ? imageRoot : join(imageRoot, split);
  const paths = (await listImages(folder)).map((file) => join(folder, file));
  const sizes = await imageSizes(paths);
  const warnings = noWarnings();
  const images: ImageRecord[] = [];
  for (const [i, path] of paths.entries()) {
    const size = sizes[i] ?? { widthPx: 0, heightPx: 0 };
    const stem = relative(imageRoot, path).slice(0, -extname(path).length || undefined);
    const labels = join(parallel ? join(root, "labels") : root, `${stem}.txt`);
    const there = await exists(labels);
    images.push({
      id: stem.replaceAll("\\", "/"),
      path,
      ...size,
      ...groupOf(path, groupPattern),
      ...(there
        ? { annotations: parseYolo(await readText(labels), labels, size, classes, warnings) }
        : withoutLabelFile === "empty"
          ? { annotations: [] }
          : {}),
    });
  }
  return { name, classes, images, warnings };
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readFileBytes(path));
}

function parseYolo(
  text: string,
  file: string,
  size: { widthPx: number; heightPx: number },
  classes: readonly string[],
  warnings: LoadWarnings,
): Annotation[] {
  const { widthPx, heightPx } = size;
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    const place = `${file}:${String(i + 1)}`;
    const fields = line.trim().split(/\s+/);
    const [classId = NaN, x = NaN, y = NaN, w = NaN, h = NaN] = fields.map(Number);
    if (fields.length !== 5 || !fields.every((field) => Number.isFinite(Number(field))))
      throw labelInvalid(
        place,
        `"${line.trim().slice(0, 60)}" is not "class xCentre yCentre width height"`,
        "Write five numbers, the last four as shares of the image from 0 to 1.",
      );
    if (!Number.isInteger(classId) || classId < 0 || classId >= classes.length)
      throw unknownClass(place, fields[0] ?? "", classes);
    const box = {
      xMin: (x - w / 2) * widthPx,
      yMin: (y - h / 2) * heightPx,
      xMax: (x + w / 2) * widthPx,
      yMax: (y + h / 2) * heightPx,
    };
    return [{ classId, box: checkBox(box, size, place, warnings) }];
  });
}
