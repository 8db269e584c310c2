import type { Annotation, CachedImage, ImageCache } from "../data/index.js";
import { emptyDetections, type Detections } from "../decode/index.js";
import { detectDataset } from "../evaluate/index.js";
import { boxToNetwork } from "../image/index.js";
import { DECODER, jobInput, NMS_IOU } from "./judge.js";
import type { NetworkContext, TrainingImages } from "./networks.js";

/** Score from which a teacher's finding is taken for an object. */
const FINDING_SCORE = 0.4;

/** Detections as annotations in network pixels. */
function findings(
  { count, boxes, classIds }: Detections,
  { transform }: CachedImage,
): readonly Annotation[] {
  return Array.from({ length: count }, (_, i) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(4 * i, 4 * i + 4);
    const [xMin, yMin, xMax, yMax] = boxToNetwork([x1, y1, x2, y2], transform);
    return { classId: classIds[i] ?? 0, box: { xMin, yMin, xMax, yMax } };
  });
}

/** Every training image, the labelled ones with their labels, the rest without any. */
export function withLabels({ all, labelled }: TrainingImages): ImageCache {
  const labels = new Map(labelled.images.map(({ path, annotations = [] }) => [path, annotations]));
  return {
    ...all,
    images: all.images.map((image) => {
      const annotations = labels.get(image.path);
      return annotations ? { ...image, annotations } : image;
    }),
  };
}

/**
 * Marks what a detecting teacher finds in the images that have no labels. Training crops are laid around the marks, since
 * bare background teaches little, and the marks are learned as labels are.
 */
export async function markFindings(
  cache: ImageCache,
  teacher: Uint8Array,
  { data, engine, config, onProgress, signal }: NetworkContext,
): Promise<ImageCache> {
  await using session = await engine.createSession(teacher, { name: "teacher" });
  const found = await detectDataset(session, data.unlabelled, {
    input: jobInput(config),
    decoder: {
      decoder: DECODER,
      scoreThreshold: FINDING_SCORE,
      iouThreshold: NMS_IOU,
      maxDetections: 20,
    },
    stage: "look through the unlabelled images",
    onProgress,
    ...(signal ? { signal } : {}),
  });
  const byId = new Map(data.unlabelled.images.map(({ id }, i) => [id, found[i]]));
  return {
    ...cache,
    images: cache.images.map((image) =>
      image.annotations
        ? image
        : { ...image, annotations: findings(byId.get(image.id) ?? emptyDetections(), image) },
    ),
  };
}
