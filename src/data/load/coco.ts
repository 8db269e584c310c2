import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { EdgeDistillError, errorMessage, readFileBytes } from "../../base/index.js";
import type { Annotation, ImageRecord } from "../dataset.js";
import {
  checkBox,
  firstThere,
  groupOf,
  labelInvalid,
  missing,
  noWarnings,
  unknownClass,
  type LoadedDataset,
} from "./loaded.js";

const cocoSchema = z.object({
  categories: z.array(z.object({ id: z.int(), name: z.string().min(1) })),
  licenses: z.array(z.object({ name: z.string() })).optional(),
  images: z.array(
    z.object({
      id: z.union([z.int(), z.string()]),
      file_name: z.string().min(1),
      width: z.number().positive(),
      height: z.number().positive(),
    }),
  ),
  annotations: z
    .array(
      z.object({
        image_id: z.union([z.int(), z.string()]),
        category_id: z.int(),
        bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
        iscrowd: z.union([z.number(), z.boolean()]).optional(),
      }),
    )
    .default([]),
});

export interface CocoOptions {
  name?: string;
  split?: string;
  /** The json file, when it is at none of the usual places. */
  annotations?: string;
  groupPattern?: RegExp;
}

/**
 * Reads COCO detection json. It is looked for at `<split>/annotations.json`, `annotations/instances_<split>.json`,
 * `<split>/_annotations.coco.json`, `annotations.json`; images at `file_name` beside it, in `root`, `images/` or
 * `images/<split>`. Every listed image is labelled; crowds are left out and counted.
 * @throws DATA_MISSING, DATA_EMPTY, DATA_LABEL_INVALID, DATA_LABEL_UNKNOWN_CLASS
 */
export async function loadCoco(
  root: string,
  { name = root, split, annotations: given, groupPattern }: CocoOptions = {},
): Promise<LoadedDataset> {
  const file = given ?? (await findJson(root, split));
  if (file === undefined)
    throw missing(
      join(root, ...(split === undefined ? [] : [split]), "annotations.json"),
      "annotation file",
    );
  const { categories, images, annotations, licenses } = await readJson(file);
  if (images.length === 0)
    throw new EdgeDistillError("DATA_EMPTY", `No image is listed in ${file}`, {
      hint: 'List the images under "images".',
      details: { file },
    });
  const sorted = categories.slice().sort((a, b) => a.id - b.id);
  const classes = sorted.map((category) => category.name);
  const classIds = new Map(sorted.map((category, i) => [category.id, i]));
  const byId = new Map(images.map((image) => [image.id, image]));
  const warnings = noWarnings();
  const boxes = new Map<string | number, Annotation[]>(images.map((image) => [image.id, []]));
  for (const [i, annotation] of annotations.entries()) {
    const place = `${file}, annotations[${String(i)}]`;
    const image = byId.get(annotation.image_id);
    if (image === undefined)
      throw labelInvalid(
        `${place}.image_id`,
        `Image ${String(annotation.image_id)} is labelled but not listed`,
        'Add it to "images", or delete the annotation.',
      );
    const classId = classIds.get(annotation.category_id);
    if (classId === undefined)
      throw unknownClass(
        `${place}.category_id`,
        annotation.category_id,
        sorted.map((c) => `${String(c.id)} ${c.name}`),
      );
    if (Number(annotation.iscrowd ?? 0) !== 0) {
      warnings.crowdBoxes++;
      continue;
    }
    const [x, y, w, h] = annotation.bbox;
    const size = { widthPx: image.width, heightPx: image.height };
    const box = checkBox(
      { xMin: x, yMin: y, xMax: x + w, yMax: y + h },
      size,
      `${place}.bbox`,
      warnings,
    );
    boxes.get(image.id)?.push({ classId, box });
  }
  const folders = [
    dirname(file),
    root,
    join(root, "images"),
    ...(split === undefined ? [] : [join(root, split), join(root, "images", split)]),
  ];
  const records: ImageRecord[] = [];
  for (const image of images) {
    const path = await firstThere(folders.map((folder) => join(folder, image.file_name)));
    if (path === undefined) throw missing(join(dirname(file), image.file_name), "image", file);
    records.push({
      id: image.file_name.replace(/\.[^./]+$/, ""),
      path,
      widthPx: image.width,
      heightPx: image.height,
      ...groupOf(path, groupPattern),
      annotations: boxes.get(image.id) ?? [],
    });
  }
  const licence = licenses?.[0]?.name;
  return {
    name,
    classes,
    images: records,
    ...(licence === undefined ? {} : { licence }),
    warnings,
  };
}

async function findJson(root: string, split: string | undefined): Promise<string | undefined> {
  const folders =
    split === undefined
      ? []
      : [
          join(root, split, "annotations.json"),
          join(root, "annotations", `instances_${split}.json`),
          join(root, split, "_annotations.coco.json"),
          join(root, "annotations", `${split}.json`),
        ];
  return firstThere([
    ...folders,
    join(root, "annotations.json"),
    join(root, "_annotations.coco.json"),
  ]);
}

async function readJson(file: string): Promise<z.infer<typeof cocoSchema>> {
  const text = new TextDecoder().decode(await readFileBytes(file));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw labelInvalid(
      file,
      `${basename(file)} is not JSON (${errorMessage(error)})`,
      "Export the annotations again.",
    );
  }
  const result = cocoSchema.safeParse(parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? [])
    .map((p) => (typeof p === "number" ? `[${String(p)}]` : `.${String(p)}`))
    .join("")
    .replace(/^\./, "");
  throw labelInvalid(
    `${file}, ${field === "" ? "top level" : field}`,
    `Not COCO detection json (${issue?.message ?? "unknown problem"})`,
    "Correct that field.",
  );
}
