import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { EdgeDistillError, ioError, isSystemError } from "../../base/index.js";
import { imageSize } from "../../image/index.js";
import type { BoxXyxyPx, Dataset } from "../dataset.js";

/** What was put right or passed over while loading: never silently. */
export interface LoadWarnings {
  /** Boxes that stuck out of their image by little and were clipped. */
  clippedBoxes: number;
  /** Boxes marked as crowds, which no detector can be asked for. */
  crowdBoxes: number;
  /** Listed images that are not in the folder, where the layout allows for it. */
  absentImages: number;
}

/** A dataset read from disk, with what happened on the way. */
export interface LoadedDataset extends Dataset {
  warnings: LoadWarnings;
}

export const noWarnings = (): LoadWarnings => ({ clippedBoxes: 0, crowdBoxes: 0, absentImages: 0 });

const IMAGE_EXTENSIONS = new Set([
  ".jpg",
  ".jpeg",
  ".png",
  ".webp",
  ".tif",
  ".tiff",
  ".bmp",
  ".gif",
  ".avif",
]);

/** Whether a file's name says that it is an image. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(name).toLowerCase()) && !basename(name).startsWith(".");
}

const byNaturalOrder = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

/** Names in the order a person expects: `a_2` before `a_10`, ties by code unit. */
export function naturalSort(names: readonly string[]): string[] {
  return names.slice().sort((a, b) => byNaturalOrder(a, b) || (a < b ? -1 : a > b ? 1 : 0));
}

/**
 * Image files below a folder, relative, in natural order.
 * @throws DATA_MISSING when there is no such folder, DATA_EMPTY when it holds no image
 */
export async function listImages(folder: string, { recursive = true } = {}): Promise<string[]> {
  const names = (await listFolder(folder, { recursive })).filter(isImageName);
  if (names.length === 0)
    throw new EdgeDistillError("DATA_EMPTY", `No image in ${folder}`, {
      hint: `Put images there (${[...IMAGE_EXTENSIONS].join(" ")}), or point "root" at the folder that holds them.`,
      details: { folder },
    });
  return naturalSort(names);
}

/** @throws DATA_MISSING, IO_FAILED */
export async function listFolder(folder: string, { recursive = false } = {}): Promise<string[]> {
  try {
    return await readdir(folder, { recursive, encoding: "utf8" });
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) throw missing(folder, "folder");
    throw ioError(error, folder, "listing");
  }
}

/** @throws IO_FAILED when the path can be neither found nor ruled out */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return false;
    throw ioError(error, path, "looking for");
  }
}

/** The first of some paths that is there. */
export async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await exists(path)) return path;
  return undefined;
}

/** The entry of a folder with this name in any case (`Annotations`, `ANNOTATIONS`). */
export async function entryNamed(
  folder: string,
  ...names: readonly string[]
): Promise<string | undefined> {
  const entries = await listFolder(folder);
  const found = entries.find((entry) =>
    names.some((name) => name.toLowerCase() === entry.toLowerCase()),
  );
  return found === undefined ? undefined : join(folder, found);
}

export function missing(path: string, what: string, from?: string): EdgeDistillError {
  return new EdgeDistillError(
    "DATA_MISSING",
    `The ${what} ${path} is not there${from === undefined ? "" : ` (named in ${from})`}`,
    {
      hint: `Check the path, or restore the ${what}.`,
      details: { path, ...(from === undefined ? {} : { from }) },
    },
  );
}

/** A label line or field that cannot be used. `place` is `file:line` or `file, field`. */
export function labelInvalid(place: string, problem: string, hint: string): EdgeDistillError {
  return new EdgeDistillError("DATA_LABEL_INVALID", `${problem} at ${place}`, {
    hint,
    details: { place },
  });
}

/** A class that the dataset does not have. */
export function unknownClass(
  place: string,
  name: string | number,
  classes: readonly string[],
): EdgeDistillError {
  const shown =
    classes.length > 12
      ? `${classes.slice(0, 12).join(", ")} … (${String(classes.length)})`
      : classes.join(", ");
  return new EdgeDistillError(
    "DATA_LABEL_UNKNOWN_CLASS",
    `Unknown class "${String(name)}" at ${place}; known are: ${shown}`,
    {
      hint: "Correct the label, or add the class to the list of class names.",
      details: { place, class: name, classes },
    },
  );
}

/** Share of the image's side by which a box may stick out and be clipped rather than refused (at least 2 px). */
const OVERHANG = 0.02;

/**
 * A usable box: finite, with an area, inside its image. A small overhang is clipped and counted.
 * @throws DATA_LABEL_INVALID
 */
export function checkBox(
  box: BoxXyxyPx,
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  place: string,
  warnings: LoadWarnings,
): BoxXyxyPx {
  const { xMin, yMin, xMax, yMax } = box;
  const shown = `[${[xMin, yMin, xMax, yMax].map((v) => String(Math.round(v * 100) / 100)).join(", ")}]`;
  const size = `${String(widthPx)}x${String(heightPx)}`;
  if (![xMin, yMin, xMax, yMax].every(Number.isFinite))
    throw labelInvalid(
      place,
      `Box ${shown} has an edge that is not a number`,
      "Correct or delete that label.",
    );
  if (xMax <= xMin || yMax <= yMin)
    throw labelInvalid(place, `Box ${shown} has no area`, "Correct or delete that label.");
  const slackX = Math.max(2, widthPx * OVERHANG);
  const slackY = Math.max(2, heightPx * OVERHANG);
  const clipped = {
    xMin: Math.max(0, xMin),
    yMin: Math.max(0, yMin),
    xMax: Math.min(widthPx, xMax),
    yMax: Math.min(heightPx, yMax),
  };
  if (
    clipped.xMin - xMin > slackX ||
    clipped.yMin - yMin > slackY ||
    xMax - clipped.xMax > slackX ||
    yMax - clipped.yMax > slackY ||
    clipped.xMax <= clipped.xMin ||
    clipped.yMax <= clipped.yMin
  )
    throw labelInvalid(
      place,
      `Box ${shown} lies outside its image of ${size}`,
      "Check that the label belongs to this image and uses this format's units.",
    );
  // Rounding of normalised labels is no overhang.
  const overhang = Math.max(
    clipped.xMin - xMin,
    clipped.yMin - yMin,
    xMax - clipped.xMax,
    yMax - clipped.yMax,
  );
  if (overhang > 0.01) warnings.clippedBoxes++;
  return clipped;
}

/** Header sizes of many images, a few at a time. @throws what imageSize throws */
export async function imageSizes(
  paths: readonly string[],
): Promise<{ widthPx: number; heightPx: number }[]> {
  const out: { widthPx: number; heightPx: number }[] = [];
  for (let i = 0; i < paths.length; i += 16)
    out.push(...(await Promise.all(paths.slice(i, i + 16).map(async (path) => imageSize(path)))));
  return out;
}

/** The group of an image by a pattern on its file name: the first capture, or the whole match. */
export function groupOf(path: string, pattern: RegExp | undefined): { group?: string } {
  const match = pattern?.exec(basename(path, extname(path)));
  const group = match?.[1] ?? match?.[0];
  return group === undefined ? {} : { group };
}
