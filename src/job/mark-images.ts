import { cachedPixels, type Annotation, type CachedImage, type ImageCache } from "../data/index.js";
import { emptyDetections, type Detections } from "../decode/index.js";
import { detectDataset } from "../evaluate/index.js";
import { boxToNetwork, inputDims, packedLength, packImage } from "../image/index.js";
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
  { engine, config, onProgress, signal }: NetworkContext,
): Promise<ImageCache> {
  const input = jobInput(config);
  const unmarked = [...cache.images.entries()].flatMap(([index, image]) =>
    image.annotations ? [] : [{ ...image, index }],
  );
  await using session = await engine.createSession(teacher, { name: "teacher", spinning: false });
  const found = await detectDataset(
    session,
    { classes: cache.classes, images: unmarked },
    {
      input,
      decoder: {
        decoder: DECODER,
        scoreThreshold: FINDING_SCORE,
        iouThreshold: NMS_IOU,
        maxDetections: 20,
      },
      // the pictures lie decoded in the cache
      prepare: ({ index, transform }) => {
        const data = packImage(
          cachedPixels(cache, index),
          input,
          new Float32Array(packedLength(input)),
        );
        return Promise.resolve({
          tensor: { dtype: "float32", dims: inputDims(input), data },
          transform,
        });
      },
      stage: "look through the unlabelled images",
      onProgress,
      ...(signal ? { signal } : {}),
    },
  );
  const marks = new Map(
    unmarked.map((image, i) => [image.index, findings(found[i] ?? emptyDetections(), image)]),
  );
  return {
    ...cache,
    images: cache.images.map((image, index) => {
      const annotations = image.annotations ?? marks.get(index) ?? [];
      return { ...image, annotations };
    }),
  };
}
