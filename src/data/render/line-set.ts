import { LINE_CLASSES, renderLineFrame } from "./line-frame.js";
import { writeRenderedSet, type RenderedSet, type RenderSetOptions } from "./write-set.js";

/**
 * Renders the line-inspection set: JPEG frames of 512x384 and COCO annotations, one dataset a split.
 * The same seed gives the same frames, whatever the counts.
 * @throws IO_DISK_FULL, IO_FAILED, INTERRUPTED, DEPENDENCY_MISSING
 */
export async function renderLineSet(
  folder: string,
  { seed = 1, counts = {}, ...options }: RenderSetOptions = {},
): Promise<RenderedSet> {
  return writeRenderedSet(
    folder,
    { name: "line", classes: LINE_CLASSES, render: (index) => renderLineFrame({ seed, index }) },
    { unlabelled: 240, labelled: 32, heldOut: 96, ...counts },
    options,
  );
}
