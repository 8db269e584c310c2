import { join } from "node:path";
import { EdgeDistillError, readFileBytes } from "../../base/index.js";
import type { Annotation, ImageRecord } from "../dataset.js";
import {
  checkBox,
  exists,
  imageSizes,
  labelInvalid,
  missing,
  noWarnings,
  unknownClass,
  type LoadedDataset,
  type LoadWarnings,
} from "./loaded.js";

/** Classes of DeepPCB; its type `n` is `classId` n - 1. */
export const DEEPPCB_CLASSES = [
  "open",
  "short",
  "mousebite",
  "spur",
  "copper",
  "pin-hole",
] as const;

/**
 * Reads the DeepPCB layout: `trainval.txt` and `test.txt` name image and label files, the tested board lies in
 * `…_test.jpg`, its defect-free template in `…_temp.jpg`. Lines whose images are not there are skipped and counted.
 * A board's lot (`group20085`) is its group.
 * @throws DATA_MISSING, DATA_EMPTY, DATA_LABEL_INVALID, DATA_LABEL_UNKNOWN_CLASS, IMAGE_NOT_AN_IMAGE
 * @see https://github.com/tangsanli5201/DeepPCB
 */
export async function loadDeepPcb(
  root: string,
  { name = root, split = "trainval" }: { name?: string; split?: string } = {},
): Promise<LoadedDataset> {
  const base = (await exists(join(root, "PCBData"))) ? join(root, "PCBData") : root;
  const list = join(base, `${split}.txt`);
  if (!(await exists(list))) throw missing(list, "list of a split");
  const warnings = noWarnings();
  const found: { id: string; path: string; labels: string; reference: string; group: string }[] =
    [];
  for (const [i, line] of (await readText(list)).split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [image, labels] = line.trim().split(/\s+/);
    if (image === undefined || labels === undefined)
      throw labelInvalid(
        `${list}:${String(i + 1)}`,
        `"${line.trim().slice(0, 80)}" is not "image.jpg labels.txt"`,
        "Write the path of an image and of its labels, parted by a space.",
      );
    const stem = join(base, image.replace(/\.jpg$/i, ""));
    const path = `${stem}_test.jpg`;
    if (!(await exists(path))) {
      warnings.absentImages++;
      continue;
    }
    const label = join(base, labels);
    if (!(await exists(label))) throw missing(label, "label file", `${list}:${String(i + 1)}`);
    found.push({
      id: image.replace(/^.*\//, "").replace(/\.jpg$/i, ""),
      path,
      labels: label,
      reference: `${stem}_temp.jpg`,
      group: image.split("/")[0] ?? image,
    });
  }
  if (found.length === 0)
    throw new EdgeDistillError("DATA_EMPTY", `None of the images that ${list} names is there`, {
      hint: "Put the boards (group…/…_test.jpg) beside the list.",
      details: { list, absent: warnings.absentImages },
    });
  const sizes = await imageSizes(found.map(({ path }) => path));
  const images: ImageRecord[] = [];
  for (const [i, { labels, reference, ...record }] of found.entries()) {
    const size = sizes[i] ?? { widthPx: 0, heightPx: 0 };
    images.push({
      ...record,
      ...size,
      ...((await exists(reference)) ? { reference } : {}),
      annotations: parseBoxes(await readText(labels), labels, size, warnings),
    });
  }
  return { name, classes: DEEPPCB_CLASSES, images, licence: "MIT", warnings };
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readFileBytes(path));
}

function parseBoxes(
  text: string,
  file: string,
  size: { widthPx: number; heightPx: number },
  warnings: LoadWarnings,
): Annotation[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    const place = `${file}:${String(i + 1)}`;
    const fields = line.trim().split(/[\s,]+/);
    const [xMin = NaN, yMin = NaN, xMax = NaN, yMax = NaN, type = NaN] = fields.map(Number);
    if (fields.length !== 5 || !fields.every((field) => Number.isFinite(Number(field))))
      throw labelInvalid(
        place,
        `"${line.trim().slice(0, 60)}" is not "x1 y1 x2 y2 type"`,
        "Write five numbers, in pixels.",
      );
    if (!Number.isInteger(type) || type < 1 || type > DEEPPCB_CLASSES.length)
      throw unknownClass(
        place,
        fields[4] ?? "",
        DEEPPCB_CLASSES.map((c, k) => `${String(k + 1)} ${c}`),
      );
    return [
      { classId: type - 1, box: checkBox({ xMin, yMin, xMax, yMax }, size, place, warnings) },
    ];
  });
}
