import { relative, sep } from "node:path";
import type { Dataset } from "../dataset.js";

/**
 * A dataset as COCO detection json: categories from 1, boxes `[x, y, width, height]` in pixels.
 * Images without annotations are listed and have none.
 * @param folder file names are written relative to it
 */
export function cocoJson(dataset: Dataset, { folder }: { folder: string }): string {
  const images = dataset.images.map((image, i) => ({
    id: i + 1,
    file_name: relative(folder, image.path).replaceAll(sep, "/"),
    width: image.widthPx,
    height: image.heightPx,
  }));
  const annotations = dataset.images
    .flatMap((image, i) =>
      (image.annotations ?? []).map((annotation) => ({ annotation, imageId: i + 1 })),
    )
    .map(({ annotation: { classId, box }, imageId }, i) => {
      const width = box.xMax - box.xMin;
      const height = box.yMax - box.yMin;
      return {
        id: i + 1,
        image_id: imageId,
        category_id: classId + 1,
        bbox: [box.xMin, box.yMin, width, height],
        area: width * height,
        iscrowd: 0,
      };
    });
  return `${JSON.stringify({
    info: { description: dataset.name },
    licenses: dataset.licence === undefined ? [] : [{ id: 1, name: dataset.licence, url: "" }],
    categories: dataset.classes.map((name, i) => ({ id: i + 1, name, supercategory: "" })),
    images,
    annotations,
  })}\n`;
}
