import { readFileSync } from "node:fs";
import type { BundleDraft } from "../../src/bundle/index.js";
import { inputSpec } from "../../src/image/index.js";
import { DATA_FOLDER } from "../support/requirements.js";

export const YOLOX_MODEL = `${DATA_FOLDER}/models/yolox_nano/yolox_nano_416x416.onnx`;
export const COCO = `${DATA_FOLDER}/coco`;

export function cocoClasses(): string[] {
  const config = readFileSync(`${COCO}/config.yaml`, "utf8");
  return [...config.matchAll(/^\s+\d+:\s*(.+)$/gm)].map(([, name = ""]) => name.trim());
}

/** YOLOX nano as published: BGR, 0 to 255. */
export function yoloxDraft(): BundleDraft {
  return {
    name: "yolox-nano",
    version: "1",
    task: "detect",
    classes: cocoClasses(),
    input: inputSpec({ widthPx: 416, heightPx: 416, channels: "bgr", scale: [1, 1, 1] }),
    decoder: { id: "yolox", scoreThreshold: 0.3, iouThreshold: 0.6 },
    variants: [
      { name: "fp32", precision: "fp32", target: "any", audited: false, model: YOLOX_MODEL },
    ],
    licences: { model: "Apache-2.0" },
  };
}
