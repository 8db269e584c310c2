import { basename, extname, join } from "node:path";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { z } from "zod";
import { createRng, EdgeDistillError, readFileBytes } from "../../base/index.js";
import type { Annotation, ImageRecord } from "../dataset.js";
import {
  checkBox,
  entryNamed,
  exists,
  groupOf,
  imageSizes,
  labelInvalid,
  listFolder,
  listImages,
  missing,
  naturalSort,
  noWarnings,
  unknownClass,
  type LoadedDataset,
  type LoadWarnings,
} from "./loaded.js";

/** Seed of the published 50/50 split of VOC folders that bring none (NEU-DET). */
export const VOC_SPLIT_SEED = 20261124;

export interface VocOptions {
  name?: string;
  /** `ImageSets/Main/<split>.txt` where that is there; else the halves of a seeded split per class. */
  split?: "train" | "test" | (string & {});
  /** Allowed classes in order; collected from the files, sorted, when absent. */
  classes?: readonly string[];
  splitSeed?: number;
  groupPattern?: RegExp;
}

/**
 * Reads Pascal VOC xml: `Annotations/*.xml` beside `JPEGImages/` or `IMAGES/` (any case).
 * Corners there count pixels from 1, both ends inclusive; here they become 0-based, max exclusive.
 * @throws DATA_MISSING, DATA_EMPTY, DATA_LABEL_INVALID, DATA_LABEL_UNKNOWN_CLASS, IMAGE_NOT_AN_IMAGE
 */
export async function loadVoc(
  root: string,
  {
    name = root,
    split,
    classes: allowed,
    splitSeed = VOC_SPLIT_SEED,
    groupPattern,
  }: VocOptions = {},
): Promise<LoadedDataset> {
  const labels = await entryNamed(root, "Annotations");
  if (labels === undefined) throw missing(join(root, "Annotations"), "folder");
  const pictures = (await entryNamed(root, "JPEGImages", "Images")) ?? root;
  const files = naturalSort(
    (await listFolder(labels)).filter((file) => extname(file).toLowerCase() === ".xml"),
  );
  const stems = new Map(
    (await listImages(pictures)).map((file) => [basename(file, extname(file)), file]),
  );
  const parsed = await Promise.all(files.map(async (file) => readVocFile(join(labels, file))));
  const classes =
    allowed ?? [...new Set(parsed.flatMap((p) => p.objects.map((o) => o.name)))].sort();
  const warnings = noWarnings();
  const paths = parsed.map(({ file, filename }) => {
    const picture =
      stems.get(basename(file, extname(file))) ?? stems.get(basename(filename, extname(filename)));
    if (picture === undefined) throw missing(join(pictures, filename), "image", file);
    return join(pictures, picture);
  });
  if (paths.length === 0)
    throw new EdgeDistillError("DATA_EMPTY", `No annotation (*.xml) in ${labels}`, {
      hint: 'Put one xml file for each image there, or read the images alone with format "folder".',
      details: { folder: labels },
    });
  const sizes = await imageSizes(paths);
  const images = parsed.map(({ file, objects }, i): ImageRecord => {
    const size = sizes[i] ?? { widthPx: 0, heightPx: 0 };
    const path = paths[i] ?? "";
    return {
      id: basename(path, extname(path)),
      path,
      ...size,
      ...groupOf(path, groupPattern),
      annotations: objects.map((object) => toAnnotation(object, file, size, classes, warnings)),
    };
  });
  const chosen = split === undefined ? images : await takeSplit(root, images, split, splitSeed);
  return { name, classes, images: chosen, warnings };
}

/** One xml text may hold one object or many, numbers as text. */
const vocSchema = z.object({
  annotation: z.object({
    filename: z.string().default(""),
    object: z
      .array(
        z.object({
          name: z.string().min(1),
          bndbox: z.object({
            xmin: z.coerce.number(),
            ymin: z.coerce.number(),
            xmax: z.coerce.number(),
            ymax: z.coerce.number(),
          }),
        }),
      )
      .default([]),
  }),
});

type VocObject = z.infer<typeof vocSchema>["annotation"]["object"][number] & { line: number };

async function readVocFile(
  file: string,
): Promise<{ file: string; filename: string; objects: VocObject[] }> {
  const text = new TextDecoder().decode(await readFileBytes(file));
  const valid = XMLValidator.validate(text);
  if (valid !== true)
    throw labelInvalid(
      `${file}:${String(valid.err.line)}`,
      `Not well-formed XML (${valid.err.msg})`,
      "Repair the file, or export it again.",
    );
  const parser = new XMLParser({ parseTagValue: false, isArray: (tag) => tag === "object" });
  const result = vocSchema.safeParse(parser.parse(text));
  const lines = objectLines(text);
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = issue?.path ?? [];
    const line = typeof path[2] === "number" ? lines[path[2]] : undefined;
    throw labelInvalid(
      `${file}${line === undefined ? "" : `:${String(line)}`}, field ${path.join(".")}`,
      `A label that cannot be read (${issue?.message ?? "unknown problem"})`,
      "Give every object a name and a bndbox of four numbers.",
    );
  }
  const { filename, object } = result.data.annotation;
  return { file, filename, objects: object.map((o, i) => ({ ...o, line: lines[i] ?? 0 })) };
}

/** Line numbers at which `<object>` elements begin. */
function objectLines(text: string): number[] {
  return text
    .split(/\r?\n/)
    .flatMap((line, i) => [...line.matchAll(/<object[\s>]/g)].map(() => i + 1));
}

function toAnnotation(
  { name, bndbox, line }: VocObject,
  file: string,
  size: { widthPx: number; heightPx: number },
  classes: readonly string[],
  warnings: LoadWarnings,
): Annotation {
  const place = `${file}:${String(line)}`;
  const classId = classes.indexOf(name);
  if (classId < 0) throw unknownClass(place, name, classes);
  const box = {
    xMin: bndbox.xmin - 1,
    yMin: bndbox.ymin - 1,
    xMax: bndbox.xmax,
    yMax: bndbox.ymax,
  };
  return { classId, box: checkBox(box, size, place, warnings) };
}

async function takeSplit(
  root: string,
  images: readonly ImageRecord[],
  split: string,
  seed: number,
): Promise<ImageRecord[]> {
  const list = join(root, "ImageSets", "Main", `${split}.txt`);
  if (await exists(list)) {
    const wanted = new Set(
      new TextDecoder()
        .decode(await readFileBytes(list))
        .split(/\r?\n/)
        .map((line) => line.trim().split(/\s+/)[0]),
    );
    return images.filter((image) => wanted.has(image.id));
  }
  if (split !== "train" && split !== "test") throw missing(list, "list of a split");
  return seededHalves(images, seed)[split];
}

/**
 * Halves the images class by class (an image counts for the class of its first object): the odd image goes to `train`.
 */
function seededHalves(
  images: readonly ImageRecord[],
  seed: number,
): { train: ImageRecord[]; test: ImageRecord[] } {
  const byClass = new Map<number, ImageRecord[]>();
  for (const image of images) {
    const key = image.annotations?.[0]?.classId ?? -1;
    byClass.set(key, [...(byClass.get(key) ?? []), image]);
  }
  const train = new Set<ImageRecord>();
  for (const [classId, members] of byClass) {
    const order = createRng(`voc-split/${String(seed)}/${String(classId)}`).shuffle(members);
    for (const image of order.slice(0, Math.ceil(order.length / 2))) train.add(image);
  }
  return { train: images.filter((i) => train.has(i)), test: images.filter((i) => !train.has(i)) };
}
