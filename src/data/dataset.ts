import { createRng, EdgeDistillError } from "../base/index.js";

/** Axis-aligned box in pixels of the original image, x right, y down, max exclusive. */
export interface BoxXyxyPx {
  xMin: number;
  yMin: number;
  xMax: number;
  yMax: number;
}

/** One object: `classId` indexes {@link Dataset.classes}. */
export interface Annotation {
  classId: number;
  box: BoxXyxyPx;
}

/** One image of a dataset; pixels stay in the file. */
export interface ImageRecord {
  /** Unique within its dataset. */
  id: string;
  path: string;
  widthPx: number;
  heightPx: number;
  /** Images of one group (a flight, a part, a board lot) stay on one side of a split. */
  group?: string;
  /** Absent: unlabelled. Empty: labelled, and nothing is there. */
  annotations?: readonly Annotation[];
  /** Path of a defect-free template of the same scene. */
  reference?: string;
}

/** Images with the classes that their annotations index. */
export interface Dataset {
  name: string;
  classes: readonly string[];
  images: readonly ImageRecord[];
  licence?: string;
}

/** Only the images that carry annotations (also empty ones). */
export function labelledImages(
  dataset: Dataset,
): readonly (ImageRecord & { annotations: readonly Annotation[] })[] {
  return dataset.images.filter(
    (image): image is ImageRecord & { annotations: readonly Annotation[] } =>
      image.annotations !== undefined,
  );
}

/** The same images without their annotations: what self-supervised stages may see. */
export function withoutLabels(dataset: Dataset): Dataset {
  return {
    ...dataset,
    images: dataset.images.map((image) => {
      const { annotations: _, ...rest } = image;
      return rest;
    }),
  };
}

/** Boxes of each class, indexed like `classes`. */
export function countByClass(dataset: Dataset): number[] {
  const counts = dataset.classes.map(() => 0);
  for (const { annotations = [] } of dataset.images)
    for (const { classId } of annotations) counts[classId] = (counts[classId] ?? 0) + 1;
  return counts;
}

/**
 * Splits by group, so that neighbouring frames never stand on both sides. An image without a group is its own.
 * @param fraction share of the *images* that goes to `first`, met as closely as whole groups allow
 * @param seed order in which groups are dealt; the same seed deals the same groups
 */
export function splitByGroup(
  dataset: Dataset,
  { fraction = 0.5, seed = 0 }: { fraction?: number; seed?: number | string } = {},
): { first: Dataset; second: Dataset } {
  const groups = new Map<string, ImageRecord[]>();
  for (const image of dataset.images) {
    const key = image.group === undefined ? `image/${image.id}` : `group/${image.group}`;
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [image]);
    else members.push(image);
  }
  const wanted = dataset.images.length * fraction;
  const first = new Set<ImageRecord>();
  for (const key of createRng(`split/${String(seed)}`).shuffle([...groups.keys()].sort())) {
    const members = groups.get(key) ?? [];
    const now = Math.abs(wanted - first.size);
    if (Math.abs(wanted - first.size - members.length) < now)
      for (const image of members) first.add(image);
  }
  const side = (inFirst: boolean): Dataset => ({
    ...dataset,
    images: dataset.images.filter((image) => first.has(image) === inFirst),
  });
  return { first: side(true), second: side(false) };
}

/**
 * Takes `count` labelled images so that the rarest class so far is served first; the rest of the choice is by seed.
 * @throws DATA_TOO_FEW when the dataset has fewer labelled images
 */
export function takeLabelled(dataset: Dataset, count: number, seed: number | string = 0): Dataset {
  const pool = createRng(`take/${String(seed)}`).shuffle(labelledImages(dataset));
  if (pool.length < count)
    throw new EdgeDistillError(
      "DATA_TOO_FEW",
      `"${dataset.name}" has ${String(pool.length)} labelled images; ${String(count)} were asked for`,
      {
        hint: `Ask for at most ${String(pool.length)} labelled images.`,
        details: { dataset: dataset.name, labelled: pool.length, asked: count },
      },
    );
  const total = countByClass(dataset);
  const taken = dataset.classes.map(() => 0);
  const chosen: ImageRecord[] = [];
  const available = new Set(pool);
  while (chosen.length < count) {
    // Classes that no image has cannot be served.
    const need = dataset.classes
      .map((_, classId) => classId)
      .filter((classId) => (total[classId] ?? 0) > 0)
      .sort((a, b) => (taken[a] ?? 0) - (taken[b] ?? 0) || a - b);
    const next =
      need
        .map((classId) =>
          pool.find((i) => available.has(i) && i.annotations.some((a) => a.classId === classId)),
        )
        .find((image) => image !== undefined) ?? pool.find((i) => available.has(i));
    if (next === undefined) break;
    available.delete(next);
    chosen.push(next);
    for (const { classId } of next.annotations) taken[classId] = (taken[classId] ?? 0) + 1;
  }
  return { ...dataset, images: chosen };
}
