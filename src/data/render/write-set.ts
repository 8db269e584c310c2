import { join } from "node:path";
import { throwIfAborted, writeFileAtomic, type OnProgress } from "../../base/index.js";
import { encodeImage } from "../../image/index.js";
import type { Dataset, ImageRecord } from "../dataset.js";
import { cocoJson } from "../load/coco-json.js";
import type { RenderedFrame } from "./line-frame.js";

/** How many frames of each split to render. */
export interface RenderCounts {
  unlabelled: number;
  labelled: number;
  heldOut: number;
}

/** A rendered set, one dataset a split; the unlabelled one carries no annotations. */
export interface RenderedSet {
  unlabelled: Dataset;
  labelled: Dataset;
  heldOut: Dataset;
}

export interface RenderSetOptions {
  seed?: number | string;
  counts?: Partial<RenderCounts>;
  /** JPEG quality, 1..100. */
  quality?: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** Where each split's frame indices begin, so that one split's size never changes another's frames. */
const SPLITS = [
  { key: "unlabelled", folder: "unlabelled", firstIndex: 0 },
  { key: "labelled", folder: "labelled", firstIndex: 1_000_000 },
  { key: "heldOut", folder: "held-out", firstIndex: 2_000_000 },
] as const;

/** Frames that are encoded and written while the next is being rendered. */
const IN_FLIGHT = 3;

/**
 * Renders a set into `folder/{unlabelled,labelled,held-out}/NNNNN.jpg`, with `annotations.json` (COCO) beside the
 * images of the labelled splits, written last.
 * @throws IO_DISK_FULL, IO_FAILED, INTERRUPTED, DEPENDENCY_MISSING
 */
export async function writeRenderedSet(
  folder: string,
  source: {
    name: string;
    classes: readonly string[];
    render: (index: number) => RenderedFrame;
  },
  counts: RenderCounts,
  {
    quality = 92,
    onProgress,
    signal,
  }: Pick<RenderSetOptions, "quality" | "onProgress" | "signal"> = {},
): Promise<RenderedSet> {
  const total = counts.unlabelled + counts.labelled + counts.heldOut;
  const doing = `rendering the ${source.name} set into ${folder}`;
  let done = 0;
  const writeSplit = async ({
    key,
    folder: name,
    firstIndex,
  }: (typeof SPLITS)[number]): Promise<Dataset> => {
    const images: ImageRecord[] = [];
    const path = join(folder, name);
    const writing = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const write = async (file: string, frame: RenderedFrame): Promise<void> => {
      try {
        const { pixels, widthPx, heightPx } = frame;
        const bytes = await encodeImage(pixels, { widthPx, heightPx, format: "jpeg", quality });
        await writeFileAtomic(file, bytes);
      } catch (error) {
        failures.push(error);
      }
    };
    for (let i = 0; i < counts[key] && failures.length === 0 && signal?.aborted !== true; i++) {
      const frame = source.render(firstIndex + i);
      const id = String(i).padStart(5, "0");
      const file = join(path, `${id}.jpg`);
      const { widthPx, heightPx, annotations } = frame;
      const labels = key === "unlabelled" ? {} : { annotations };
      images.push({ id, path: file, widthPx, heightPx, ...labels });
      const job: Promise<void> = write(file, frame).then(() => {
        writing.delete(job);
      });
      writing.add(job);
      if (writing.size >= IN_FLIGHT) await Promise.race(writing);
      done++;
      if (done % 8 === 0 || done === total)
        onProgress?.({
          stage: "render",
          fraction: done / total,
          message: `${String(done)}/${String(total)} frames`,
        });
    }
    // Whatever ended the loop, nothing is still being written when this returns or throws.
    await Promise.all(writing);
    if (failures.length > 0) throw failures[0];
    throwIfAborted(signal, doing);
    const dataset = {
      name: `${source.name}/${name}`,
      classes: source.classes,
      images,
      licence: "Apache-2.0",
    };
    if (key !== "unlabelled")
      await writeFileAtomic(join(path, "annotations.json"), cocoJson(dataset, { folder: path }));
    return dataset;
  };
  const [first, second, third] = SPLITS;
  const unlabelled = await writeSplit(first);
  const labelled = await writeSplit(second);
  return { unlabelled, labelled, heldOut: await writeSplit(third) };
}
