import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cachedPixels,
  CORRUPTION_KINDS,
  createBatches,
  createCorruptedBatches,
  defectBank,
  loadDataset,
  loadImageCache,
  NO_AUGMENT,
  renderLineFrame,
  type Annotation,
  type BoxXyxyPx,
  type ImageCache,
} from "../../src/data/index.js";
import { encodeImage } from "../../src/image/index.js";

const SIZE = { widthPx: 128, heightPx: 96 };
const CELLS = SIZE.widthPx * SIZE.heightPx;

/** A cache of grey pictures with one pure red rectangle each, and its box. */
function painted(count: number, background = 60): ImageCache {
  const pixels = new Uint8Array(count * CELLS * 3).fill(background);
  const images = Array.from({ length: count }, (_, n) => {
    const box = { xMin: 20 + 5 * n, yMin: 30 + 3 * n, xMax: 44 + 5 * n, yMax: 46 + 3 * n };
    fill(pixels.subarray(n * CELLS * 3, (n + 1) * CELLS * 3), box, [255, 0, 0]);
    return {
      id: String(n),
      path: `${String(n)}.png`,
      transform: whole,
      annotations: [{ classId: n % 2, box }],
    };
  });
  return { classes: ["a", "b"], ...SIZE, pixels, images, skipped: [] };
}

const whole = {
  scale: 1,
  padXPx: 0,
  padYPx: 0,
  sourceWidthPx: SIZE.widthPx,
  sourceHeightPx: SIZE.heightPx,
};

function fill(pixels: Uint8Array, box: BoxXyxyPx, colour: readonly number[]): void {
  for (let y = box.yMin; y < box.yMax; y++)
    for (let x = box.xMin; x < box.xMax; x++) pixels.set(colour, (y * SIZE.widthPx + x) * 3);
}

/** Box of what is more red than green, half and above: where bilinear borders cross. */
function redBox(pixels: Uint8Array, width = SIZE.widthPx): BoxXyxyPx | undefined {
  const box = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  for (let i = 0; i < pixels.length; i += 3) {
    if ((pixels[i] ?? 0) - (pixels[i + 1] ?? 0) < 90) continue;
    const x = (i / 3) % width;
    const y = Math.floor(i / 3 / width);
    box.xMin = Math.min(box.xMin, x);
    box.yMin = Math.min(box.yMin, y);
    box.xMax = Math.max(box.xMax, x + 1);
    box.yMax = Math.max(box.yMax, y + 1);
  }
  return box.xMax > 0 ? box : undefined;
}

function expectSameBox(
  found: BoxXyxyPx | undefined,
  box: BoxXyxyPx | undefined,
  slack: number,
): void {
  expect(found).toBeDefined();
  expect(box).toBeDefined();
  for (const key of ["xMin", "yMin", "xMax", "yMax"] as const)
    expect(Math.abs((found?.[key] ?? NaN) - (box?.[key] ?? NaN))).toBeLessThanOrEqual(slack);
}

const sample = (pixels: Uint8Array, i: number): Uint8Array =>
  pixels.subarray(i * CELLS * 3, (i + 1) * CELLS * 3);

describe("augmentation", () => {
  it("without any change hands out the cached bytes", () => {
    const cache = painted(4);
    const { pixels, annotations, imageIndices } = createBatches(cache, {
      batchSize: 4,
      seed: 1,
      augment: NO_AUGMENT,
    }).batch(0, 0);
    expect([...imageIndices].sort()).toEqual([0, 1, 2, 3]);
    imageIndices.forEach((index, i) => {
      expect(sample(pixels, i)).toEqual(cachedPixels(cache, index));
      expect(annotations[i]).toEqual(cache.images[index]?.annotations);
    });
  });

  it.each([
    ["mirrors", { ...NO_AUGMENT, flipHorizontal: 0.5, flipVertical: 0.5 }],
    [
      "zoom, stretch and shift",
      { ...NO_AUGMENT, zoom: [0.7, 1.5] as const, stretch: 0.2, translate: 0.2 },
    ],
    [
      "quarter turns",
      { ...NO_AUGMENT, quarterTurn: 1, flipHorizontal: 0.5, zoom: [0.8, 1] as const },
    ],
    ["everything, with light", { zoom: [0.8, 1.3] as const, quarterTurn: 0.3, paste: 0, noise: 4 }],
  ])("moves boxes with the pixels: %s", (_, augment) => {
    const batches = createBatches(painted(8), {
      batchSize: 8,
      seed: 3,
      augment: { ...augment, keepVisible: 0.01 },
    });
    let boxes = 0;
    for (let epoch = 0; epoch < 6; epoch++) {
      const { pixels, annotations } = batches.batch(epoch, 0);
      annotations.forEach((own, i) => {
        if (own.length === 0) return;
        boxes++;
        expectSameBox(redBox(sample(pixels, i)), own[0]?.box, 1.6);
      });
    }
    expect(boxes).toBeGreaterThan(30);
  });

  it("fills what no image covers with grey 114, also under a change of light", () => {
    const augment = { ...NO_AUGMENT, zoom: [0.6, 0.6] as const, brightness: 0.8, noise: 20 };
    const { pixels } = createBatches(painted(1), { batchSize: 1, seed: 5, augment }).batch(0, 0);
    const grey = Array.from({ length: CELLS }, (_, i) => pixels.subarray(i * 3, i * 3 + 3)).filter(
      (p) => p.every((v) => v === 114),
    );
    expect(grey.length / CELLS).toBeGreaterThan(0.55);
    expect(grey.length / CELLS).toBeLessThan(0.7);
  });

  it("keeps boxes of a mosaic in their own quarter and on their own pixels", () => {
    const augment = { ...NO_AUGMENT, mosaic: 1, zoom: [0.9, 1.1] as const, keepVisible: 0.01 };
    const { pixels, annotations } = createBatches(painted(6), {
      batchSize: 6,
      seed: 2,
      augment,
    }).batch(1, 0);
    expect(annotations.flat().length).toBeGreaterThan(8);
    annotations.forEach((own, i) => {
      for (const { box } of own) {
        const x = Math.floor((box.xMin + box.xMax) / 2);
        const y = Math.floor((box.yMin + box.yMax) / 2);
        expect([
          ...sample(pixels, i).subarray((y * SIZE.widthPx + x) * 3, (y * SIZE.widthPx + x) * 3 + 2),
        ]).toEqual([255, 0]);
      }
    });
  });

  it("pastes labelled defects where nothing is marked, with the box on the pasted pixels", () => {
    const source = painted(4);
    const host: ImageCache = {
      ...source,
      pixels: new Uint8Array(4 * CELLS * 3).fill(60),
      images: source.images.map((image) => ({ ...image, annotations: [] as Annotation[] })),
    };
    const batches = createBatches(host, {
      batchSize: 4,
      seed: 8,
      augment: { ...NO_AUGMENT, paste: 1, pasteMost: 1 },
      bank: defectBank(source),
    });
    let pasted = 0;
    for (let epoch = 0; epoch < 4; epoch++) {
      const { pixels, annotations } = batches.batch(epoch, 0);
      annotations.forEach((own, i) => {
        pasted += own.length;
        if (own.length > 0) expectSameBox(redBox(sample(pixels, i)), own[0]?.box, 2);
      });
    }
    expect(pasted).toBeGreaterThan(12);
  });
});

describe("batches", () => {
  it("replay: same seed, epoch and step, whatever was asked before", () => {
    const cache = painted(5);
    const options = { batchSize: 2, seed: "run", augment: { mosaic: 0.3 } };
    const one = createBatches(cache, options);
    const two = createBatches(cache, options);
    const first = one.batch(2, 1);
    two.batch(0, 0);
    two.batch(7, 2);
    const second = two.at(2 * two.stepsPerEpoch + 1);
    expect(second.pixels).toEqual(first.pixels);
    expect(second.annotations).toEqual(first.annotations);
    expect(one.batch(3, 1).pixels).not.toEqual(first.pixels);
    expect(createBatches(cache, { ...options, seed: "other" }).batch(2, 1).pixels).not.toEqual(
      first.pixels,
    );
  });

  it("show every image once an epoch and reuse the buffer they are given", () => {
    const batches = createBatches(painted(6), {
      batchSize: 3,
      seed: 1,
      indices: [0, 1, 2, 4, 5, 3],
    });
    expect(batches.stepsPerEpoch).toBe(2);
    const first = batches.batch(4, 0);
    const seen = [...first.imageIndices];
    const second = batches.batch(4, 1, { reuse: first });
    expect(second.pixels).toBe(first.pixels);
    expect([...seen, ...second.imageIndices].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("draw only from the indices given and fill a short last batch", () => {
    const { imageIndices } = createBatches(painted(6), {
      batchSize: 4,
      seed: 1,
      indices: [2],
    }).batch(0, 0);
    expect(imageIndices).toEqual([2, 2, 2, 2]);
  });
});

describe("corruptions", () => {
  const cache = ((): ImageCache => {
    const frames = Array.from({ length: 4 }, (_, index) => renderLineFrame({ seed: 1, index }));
    const pixels = new Uint8Array(4 * CELLS * 3);
    frames.forEach((frame, n) => {
      for (let i = 0; i < CELLS; i++) {
        const from = (Math.floor(i / 128) * 4 * 512 + (i % 128) * 4) * 3;
        pixels.set(frame.pixels.subarray(from, from + 3), (n * CELLS + i) * 3);
      }
    });
    const images = frames.map((_, n) => ({ id: String(n), path: "", transform: whole }));
    return { classes: [], ...SIZE, pixels, images, skipped: [] };
  })();
  const options = {
    batchSize: 4,
    seed: 6,
    augment: NO_AUGMENT,
    corrupt: { count: [2, 4] as const },
  };

  it("change pixels inside their boxes only, and mask what visibly changed", () => {
    const batches = createCorruptedBatches(cache, options);
    const kinds = new Set<number>();
    let masked = 0;
    let wrong = 0;
    for (let epoch = 0; epoch < 8; epoch++) {
      const { pixels, originals, mask, annotations, imageIndices } = batches.batch(epoch, 0);
      imageIndices.forEach((index, n) => {
        expect(sample(originals, n)).toEqual(cachedPixels(cache, index));
        const boxes = (annotations[n] ?? []).map(({ box }) => box);
        for (let i = 0; i < CELLS; i++) {
          const at = (n * CELLS + i) * 3;
          let change = 0;
          for (let k = at; k < at + 3; k++)
            change += Math.abs((pixels[k] ?? 0) - (originals[k] ?? 0));
          const x = i % 128;
          const y = Math.floor(i / 128);
          const marked = mask[n * CELLS + i] === 1;
          if (marked) masked++;
          if (marked !== change >= 33) wrong++;
          if (marked && !boxes.some((b) => x >= b.xMin && x < b.xMax && y >= b.yMin && y < b.yMax))
            wrong++;
        }
        for (const { classId } of annotations[n] ?? []) kinds.add(classId);
      });
    }
    expect(wrong).toBe(0);
    expect(masked).toBeGreaterThan(500);
    expect([...kinds].sort()).toEqual(CORRUPTION_KINDS.map((_, k) => k));
  });

  it("mark the cells that hold masked pixels", () => {
    const { mask, cells, annotations } = createCorruptedBatches(cache, {
      ...options,
      cellPx: 8,
    }).batch(0, 0);
    expect(cells).toHaveLength(4 * 16 * 12);
    const wanted = new Uint8Array(cells.length);
    mask.forEach((v, i) => {
      const n = Math.floor(i / CELLS);
      const x = i % 128;
      const y = Math.floor((i % CELLS) / 128);
      if (v === 1) wanted[n * 192 + Math.floor(y / 8) * 16 + Math.floor(x / 8)] = 1;
    });
    expect(cells).toEqual(wanted);
    expect(annotations.flat().length).toBeGreaterThan(0);
  });

  it("replay", () => {
    const first = createCorruptedBatches(cache, options).batch(5, 0);
    const other = createCorruptedBatches(cache, options);
    const second = other.batch(5, 0, { reuse: other.batch(0, 0) });
    expect(second.pixels).toEqual(first.pixels);
    expect(second.mask).toEqual(first.mask);
    expect(second.annotations).toEqual(first.annotations);
  });
});

describe("loadImageCache", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "edge-distill-cache-"));
    const pixels = new Uint8Array(200 * 100 * 3).fill(30);
    for (let y = 20; y < 60; y++)
      for (let x = 40; x < 120; x++) pixels.set([255, 0, 0], (y * 200 + x) * 3);
    const png = await encodeImage(pixels, { widthPx: 200, heightPx: 100, format: "png" });
    await writeFile(join(folder, "a.png"), png);
    await writeFile(join(folder, "b.png"), png.subarray(0, png.length - 40));
    await writeFile(join(folder, "c.png"), png);
    for (const name of ["a", "b", "c"])
      await writeFile(join(folder, `${name}.txt`), `0 ${String(80 / 200)} 0.4 0.4 0.4\n`);
    await writeFile(join(folder, "x.names"), "red\n");
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("letterboxes pixels and boxes alike, and skips, counts and names a corrupt image", async () => {
    const dataset = await loadDataset({ format: "yolo", root: folder });
    const cache = await loadImageCache(dataset, { ...SIZE, shared: true });
    expect(cache.images.map((i) => i.id)).toEqual(["a", "c"]);
    expect(cache.skipped).toEqual([
      { path: join(folder, "b.png"), reason: expect.stringContaining("b.png") as string },
    ]);
    expect(cache.pixels.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(cache.pixels).toHaveLength(2 * CELLS * 3);
    for (const [i, image] of cache.images.entries())
      expectSameBox(redBox(cachedPixels(cache, i)), image.annotations?.[0]?.box, 1);
    expect([...cache.pixels.subarray(0, 3)]).toEqual([114, 114, 114]);
  });

  it("throws DATA_EMPTY when nothing can be decoded", async () => {
    const dataset = await loadDataset({ format: "yolo", root: folder });
    const images = dataset.images.filter((i) => i.id === "b");
    await expect(loadImageCache({ ...dataset, images }, SIZE)).rejects.toMatchObject({
      code: "DATA_EMPTY",
    });
    await expect(loadImageCache(dataset, { ...SIZE, picture: "reference" })).rejects.toMatchObject({
      code: "DATA_EMPTY",
      message: expect.stringContaining("no reference images") as string,
    });
  });
});
