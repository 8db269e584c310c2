/**
 * What a user writes in an afternoon, and what the runtime is measured against: read, resize, pack, run, decode; await
 * each step. It knows nothing of this project and stays as it is.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
import { serve } from "./serve.js";

const SIZE = 416;
const CLASSES = 80;
const SCORE = 0.3;
const IOU = 0.6;

interface Box {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  score: number;
  classId: number;
}

const [modelPath = "", firstImage = ""] = process.argv.slice(2);
const session = await ort.InferenceSession.create(modelPath);
const inputName = session.inputNames[0] ?? "";
const outputName = session.outputNames[0] ?? "";

async function detect(path: string): Promise<Box[]> {
  const bytes = await readFile(path);
  const { width = 0, height = 0 } = await sharp(bytes).metadata();
  const pixels = await sharp(bytes)
    .removeAlpha()
    .toColourspace("srgb")
    .resize(SIZE, SIZE, {
      fit: "contain",
      kernel: "linear",
      background: { r: 114, g: 114, b: 114 },
    })
    .raw()
    .toBuffer();
  const input = new Float32Array(3 * SIZE * SIZE);
  for (let i = 0; i < SIZE * SIZE; i++)
    for (let c = 0; c < 3; c++) input[c * SIZE * SIZE + i] = pixels[3 * i + 2 - c] ?? 0;
  const outputs = await session.run({
    [inputName]: new ort.Tensor("float32", input, [1, 3, SIZE, SIZE]),
  });
  return decode(outputs[outputName]?.data as Float32Array, width, height);
}

function decode(data: Float32Array, width: number, height: number): Box[] {
  const scale = Math.min(SIZE / width, SIZE / height);
  const padX = (SIZE - width * scale) / 2;
  const padY = (SIZE - height * scale) / 2;
  const boxes: Box[] = [];
  let at = 0;
  for (const stride of [8, 16, 32])
    for (let y = 0; y < SIZE / stride; y++)
      for (let x = 0; x < SIZE / stride; x++, at += 5 + CLASSES) {
        const [dx = 0, dy = 0, dw = 0, dh = 0, objectness = 0] = data.subarray(at, at + 5);
        const cx = (dx + x) * stride;
        const cy = (dy + y) * stride;
        const w = Math.exp(dw) * stride;
        const h = Math.exp(dh) * stride;
        for (let c = 0; c < CLASSES; c++) {
          const score = objectness * (data[at + 5 + c] ?? 0);
          if (score < SCORE) continue;
          boxes.push({
            x1: (cx - w / 2 - padX) / scale,
            y1: (cy - h / 2 - padY) / scale,
            x2: (cx + w / 2 - padX) / scale,
            y2: (cy + h / 2 - padY) / scale,
            score,
            classId: c,
          });
        }
      }
  boxes.sort((a, b) => b.score - a.score);
  const kept: Box[] = [];
  for (const box of boxes)
    if (kept.every((k) => k.classId !== box.classId || iou(k, box) <= IOU)) kept.push(box);
  return kept;
}

function iou(a: Box, b: Box): number {
  const w = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const h = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  if (w <= 0 || h <= 0) return 0;
  const area = (r: Box): number => (r.x2 - r.x1) * (r.y2 - r.y1);
  return (w * h) / (area(a) + area(b) - w * h);
}

await detect(firstImage);
const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as {
  version: string;
};
serve(
  { "onnxruntime-node": version, sharp: sharp.versions.sharp ?? "", libvips: sharp.versions.vips },
  async (images) => {
    let count = 0;
    for (const image of images) count += (await detect(image)).length;
    return count;
  },
);
