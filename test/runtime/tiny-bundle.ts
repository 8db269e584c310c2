import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import {
  generateSigningKeys,
  packBundle,
  type BundleDraft,
  type VariantDraft,
} from "../../src/bundle/index.js";
import { encodeImage, inputSpec } from "../../src/image/index.js";
import { createBuilder, int, serializeModel, type Value } from "../../src/onnx/index.js";
import { float32 } from "../../src/tensor/index.js";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "edge-distill-runtime-"));
  made.push(folder);
  return folder;
}

/** Side of the tiny network's input. */
export const SIDE = 32;

/**
 * A detector of one box: the whole input, whose score is the picture's mean brightness. `load` multiplications of
 * 512x512 matrices make it slow without changing the result.
 */
export function brightnessModel({ load = 0 }: { load?: number } = {}): Uint8Array {
  const b = createBuilder();
  const image = b.input("image", "float32", [1, 3, SIDE, SIDE]);
  const mean = b.op("ReduceMean", [image], { keepdims: int(0) });
  let score: Value = b.op("Reshape", [mean, b.i64([1, 1, 1])]);
  if (load > 0) {
    const n = 512;
    const matrix = b.initializer(
      "matrix",
      float32(
        [n, n],
        Float32Array.from({ length: n * n }, (_, i) => ((i * 7) % 13) / (13 * n)),
      ),
    );
    let product: Value = b.op("Mul", [matrix, mean]);
    for (let i = 0; i < load; i++) product = b.op("MatMul", [product, matrix]);
    const nothing = b.op("Mul", [b.op("ReduceMean", [product], { keepdims: int(0) }), b.f32(0)]);
    score = b.op("Add", [score, nothing]);
  }
  const box = b.constant(float32([1, 1, 4], [0, 0, SIDE, SIDE]));
  b.output(b.op("Concat", [box, score], { axis: int(2) }), "detections");
  return serializeModel(b.model());
}

export function tinyDraft(variants: readonly VariantDraft[]): BundleDraft {
  return {
    name: "brightness",
    version: "1",
    task: "detect",
    classes: ["bright"],
    input: inputSpec({ widthPx: SIDE, heightPx: SIDE }),
    decoder: { id: "edge-distill-dense", scoreThreshold: 0, iouThreshold: 0.6 },
    variants,
  };
}

export function fp32(model: Uint8Array): VariantDraft {
  return { name: "fp32", precision: "fp32", target: "any", audited: false, model };
}

/** A packed and signed bundle, and the key to trust. */
export async function tinyBundle(
  options: { load?: number } = {},
): Promise<{ bundle: string; trustedKeys: string[] }> {
  const bundle = join(temporaryFolder(), "bundle");
  const { privatePem, publicPem } = generateSigningKeys();
  await packBundle(bundle, tinyDraft([fp32(brightnessModel(options))]), { privateKey: privatePem });
  return { bundle, trustedKeys: [publicPem] };
}

/** A grey picture as pixels; the tiny model's score for it is `level / 255`. */
export function grey(
  level: number,
  { widthPx = 40, heightPx = 40 } = {},
): {
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
} {
  return { pixels: new Uint8Array(widthPx * heightPx * 3).fill(level), widthPx, heightPx };
}

/** A folder of grey PNG files `000.png` …, one a level. */
export async function greyFolder(levels: readonly number[]): Promise<string> {
  const folder = temporaryFolder();
  for (const [i, level] of levels.entries()) {
    const { pixels, widthPx, heightPx } = grey(level);
    const png = await encodeImage(pixels, { widthPx, heightPx, format: "png" });
    writeFileSync(join(folder, `${String(i).padStart(3, "0")}.png`), png);
  }
  return folder;
}
