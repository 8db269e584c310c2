import { decodeImage } from "../image/index.js";
import {
  detectByThreshold,
  tuneThresholdBaseline,
  type LabelledPicture,
} from "../evaluate/index.js";
import type { ImageRecord } from "../data/index.js";
import type { JobConfig } from "./config.js";
import type { JobData } from "./data-stage.js";
import { judgeDetections, type Judged } from "./judge.js";

async function decoded({ path, annotations = [] }: ImageRecord): Promise<LabelledPicture> {
  return { ...(await decodeImage(path)), annotations };
}

/** The classical detector beside the student: tuned on the same labelled images, judged on the same held-out ones. */
export async function judgeBaseline(data: JobData, config: JobConfig): Promise<Judged> {
  const labelled = await Promise.all(data.labelled.images.map(decoded));
  const baseline = tuneThresholdBaseline(labelled, { classCount: data.classes.length });
  const detections = [];
  for (const image of data.heldOut.images)
    detections.push(detectByThreshold(await decoded(image), baseline));
  return judgeDetections(data, config, detections);
}
