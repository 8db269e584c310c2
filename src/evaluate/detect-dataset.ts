import { throwIfAborted, type OnProgress } from "../base/index.js";
import { decodeDetections, type DecodeSpec, type Detections } from "../decode/index.js";
import type { EngineSession } from "../engine/index.js";
import { prepareInput, type InputSpec, type LetterboxTransform } from "../image/index.js";
import type { HostTensor } from "../tensor/index.js";

export interface DetectDatasetOptions<I> {
  input: InputSpec;
  decoder: Pick<DecodeSpec, "decoder" | "scoreThreshold" | "iouThreshold" | "maxDetections">;
  /** Gives the network's input for an image; default: its file, decoded and letterboxed. */
  prepare?: (image: I) => Promise<{ tensor: HostTensor; transform: LetterboxTransform }>;
  /** Images in flight. */
  concurrency?: number;
  stage?: string;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/**
 * Runs a detector over every image of a dataset, through the same decode, letterbox and output decoding as the device.
 * @returns detections in source px, in the order of the images
 * @throws IMAGE_NOT_AN_IMAGE, IMAGE_CORRUPT, DECODE_SHAPE, ENGINE_RUN
 */
export async function detectDataset<I extends { path: string }>(
  session: EngineSession,
  { images, classes }: { images: readonly I[]; classes: readonly string[] },
  {
    input,
    decoder,
    prepare = (image) => prepareInput(image.path, input),
    concurrency = 3,
    stage = "evaluate",
    onProgress,
    signal,
  }: DetectDatasetOptions<I>,
): Promise<Detections[]> {
  const results: Detections[] = new Array<Detections>(images.length);
  const name = session.inputs[0]?.name ?? "images";
  const spec: DecodeSpec = {
    ...decoder,
    classCount: classes.length,
    widthPx: input.widthPx,
    heightPx: input.heightPx,
  };
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < images.length; i = next++) {
      throwIfAborted(signal, "evaluating");
      const image = images[i];
      if (!image) continue;
      const { tensor, transform } = await prepare(image);
      results[i] = decodeDetections(
        await session.run({ [name]: tensor }, { transfer: true }),
        spec,
        transform,
      );
      done++;
      onProgress?.({
        stage,
        fraction: done / images.length,
        message: `${String(done)}/${String(images.length)} images`,
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}
