import { throwIfAborted } from "../../base/index.js";
import type { Detections } from "../../decode/index.js";
import { encodeImage, imageSize, letterbox } from "../../image/index.js";
import type { TruthBox } from "../coco-protocol.js";
import { judgeImages, worstImages, type ImageOutcome } from "../mistakes.js";
import type { GallerySection, Picture, PictureBox } from "./report.js";

/** What a gallery shows, one entry an image. */
export interface GallerySource {
  classes: readonly string[];
  /** Files, with the name that stands under the picture. */
  images: readonly { id: string; path: string }[];
  truths: readonly (readonly TruthBox[])[];
  detections: readonly Detections[];
}

export interface GalleryOptions {
  title?: string;
  intro?: string;
  count?: number;
  /** Less sure detections are not drawn. */
  scoreThreshold?: number;
  iouThreshold?: number;
  /** Longer side of the embedded pictures. */
  sidePx?: number;
  quality?: number;
  signal?: AbortSignal;
}

/**
 * What was found on some images, beside what is labelled there: evenly spread over the list, and images with objects
 * first.
 * @throws EVALUATE_MISMATCH, INTERRUPTED, and what reading an image throws
 */
export async function detectionGallery(
  source: GallerySource,
  {
    title = "Detections",
    intro = "Boxes of the model with their scores, and what was labelled as dashed lines.",
    count = 9,
    scoreThreshold = 0.3,
    ...options
  }: GalleryOptions = {},
): Promise<GallerySection> {
  const withObjects = source.truths.flatMap((list, i) => (list.length > 0 ? [i] : []));
  const pool = withObjects.length >= count ? withObjects : source.truths.map((_, i) => i);
  const step = Math.max(1, pool.length / count);
  const chosen = pool.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const pictures: Picture[] = [];
  for (const image of chosen.slice(0, count)) {
    const boxes: PictureBox[] = [
      ...(source.truths[image] ?? []).map((t) => truthBox(t, "truth")),
      ...predictionBoxes(source.detections[image], scoreThreshold, () => "prediction"),
    ];
    pictures.push(await loadPicture(source, image, { boxes, ...options }));
  }
  return { kind: "gallery", title, intro, classes: source.classes, pictures };
}

/**
 * The images with the most and surest mistakes: false alarms in red, missed objects dashed.
 * @returns undefined when there is no mistake
 * @throws EVALUATE_MISMATCH, INTERRUPTED, and what reading an image throws
 */
export async function mistakesGallery(
  source: GallerySource,
  {
    title = "Worst mistakes",
    count = 6,
    scoreThreshold = 0.3,
    iouThreshold = 0.5,
    intro = `Images with the most and surest mistakes at score ${String(scoreThreshold)} and IoU ${String(iouThreshold)}.`,
    ...options
  }: GalleryOptions = {},
): Promise<GallerySection | undefined> {
  const outcomes = judgeImages(source.truths, source.detections, {
    classCount: source.classes.length,
    iouThreshold,
    scoreThreshold,
  });
  const worst = worstImages(outcomes, count);
  if (worst.length === 0) return undefined;
  const pictures: Picture[] = [];
  for (const outcome of worst) {
    const { image } = outcome;
    const boxes: PictureBox[] = [
      ...(source.truths[image] ?? [])
        .filter((_, i) => outcome.found[i] === false)
        .map((t) => truthBox(t, "missed")),
      ...predictionBoxes(source.detections[image], scoreThreshold, (row) => {
        const verdict = outcome.detections[row];
        return verdict === "correct" || verdict === "wrong" ? verdict : undefined;
      }),
    ];
    pictures.push(
      await loadPicture(source, image, { boxes, caption: inWords(outcome), ...options }),
    );
  }
  return { kind: "gallery", title, intro, classes: source.classes, pictures };
}

function inWords({ detections, found }: ImageOutcome): string {
  const wrong = detections.filter((d) => d === "wrong").length;
  const missed = found.filter((f) => !f).length;
  return [
    ...(wrong > 0 ? [`${String(wrong)} false ${wrong === 1 ? "alarm" : "alarms"}`] : []),
    ...(missed > 0 ? [`${String(missed)} missed`] : []),
  ].join(", ");
}

const truthBox = ({ classId, box }: TruthBox, role: "truth" | "missed"): PictureBox => ({
  ...box,
  classId,
  role,
});

function predictionBoxes(
  found: Detections | undefined,
  scoreThreshold: number,
  roleOf: (row: number) => PictureBox["role"] | undefined,
): PictureBox[] {
  return Array.from({ length: found?.count ?? 0 }, (_, row) => row).flatMap((row) => {
    const score = found?.scores[row] ?? 0;
    const role = roleOf(row);
    if (score < scoreThreshold || role === undefined) return [];
    const [xMin = 0, yMin = 0, xMax = 0, yMax = 0] =
      found?.boxes.subarray(4 * row, 4 * row + 4) ?? [];
    return [{ xMin, yMin, xMax, yMax, classId: found?.classIds[row] ?? 0, score, role }];
  });
}

async function loadPicture(
  source: GallerySource,
  index: number,
  {
    boxes,
    caption,
    sidePx = 720,
    quality = 82,
    signal,
  }: GalleryOptions & { boxes: readonly PictureBox[]; caption?: string },
): Promise<Picture> {
  throwIfAborted(signal, "collecting pictures for the report");
  const { id = "", path = "" } = source.images[index] ?? {};
  const { widthPx, heightPx } = await imageSize(path);
  const scale = Math.min(1, sidePx / Math.max(widthPx, heightPx));
  const small = await letterbox(path, {
    widthPx: Math.max(1, Math.round(widthPx * scale)),
    heightPx: Math.max(1, Math.round(heightPx * scale)),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    title: id,
    ...(caption === undefined ? {} : { caption }),
    image: await encodeImage(small.pixels, { ...small, quality }),
    widthPx,
    heightPx,
    boxes,
  };
}
