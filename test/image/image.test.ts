import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRng } from "../../src/base/index.js";
import { decodeImage, encodeImage, imageSize, letterbox } from "../../src/image/index.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

const COCO = `${DATA_FOLDER}/coco/images`;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-image-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A smooth colour ramp with a little noise: what JPEG keeps and a resize can be judged on. */
function ramp(widthPx: number, heightPx: number): Uint8Array {
  const rng = createRng("ramp");
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  for (let i = 0; i < widthPx * heightPx; i++) {
    const x = i % widthPx;
    const y = Math.floor(i / widthPx);
    pixels[i * 3] = (200 * x) / widthPx + rng.int(8);
    pixels[i * 3 + 1] = (200 * y) / heightPx + rng.int(8);
    pixels[i * 3 + 2] = 40 + rng.int(8);
  }
  return pixels;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, v, i) => sum + Math.abs(v - (b[i] ?? 0)), 0) / a.length;
}

describe("decodeImage", () => {
  test("gives back what encodeImage was given: exactly for PNG, nearly for JPEG", async () => {
    const pixels = ramp(61, 40);
    const png = await encodeImage(pixels, { widthPx: 61, heightPx: 40, format: "png" });
    expect(await decodeImage(png)).toEqual({ pixels, widthPx: 61, heightPx: 40 });
    const jpeg = await encodeImage(pixels, { widthPx: 61, heightPx: 40, quality: 95 });
    expect(meanDifference((await decodeImage(jpeg)).pixels, pixels)).toBeLessThan(4);
    const smaller = await encodeImage(pixels, { widthPx: 61, heightPx: 40, quality: 30 });
    expect(smaller.length).toBeLessThan(jpeg.length);
  });

  const raw = (channels: 1 | 2 | 3 | 4, values: readonly number[]): ReturnType<typeof sharp> =>
    sharp(Uint8Array.from(values), { raw: { width: 2, height: 1, channels } });
  const raw16 = (channels: 1 | 3, values: readonly number[]): ReturnType<typeof sharp> =>
    sharp(Uint16Array.from(values), { raw: { width: 2, height: 1, channels } });

  test.each([
    {
      what: "grey",
      make: () => raw(1, [10, 200]).toColourspace("b-w").png(),
      rgb: [10, 10, 10, 200, 200, 200],
    },
    {
      what: "grey with alpha",
      make: () => raw(2, [10, 0, 200, 255]).toColourspace("b-w").png(),
      rgb: [10, 10, 10, 200, 200, 200],
    },
    {
      what: "transparent",
      make: () => raw(4, [1, 2, 3, 0, 4, 5, 6, 128]).png(),
      rgb: [1, 2, 3, 4, 5, 6],
    },
    {
      what: "a palette",
      make: () => raw(3, [255, 0, 0, 0, 0, 255]).png({ palette: true }),
      rgb: [255, 0, 0, 0, 0, 255],
    },
    {
      what: "16-bit grey",
      make: () =>
        raw16(1, [10 * 257, 200 * 257])
          .toColourspace("grey16")
          .png(),
      rgb: [10, 10, 10, 200, 200, 200],
    },
    {
      what: "16-bit colour",
      make: () => raw16(3, [257, 514, 771, 65535, 32896, 0]).toColourspace("rgb16").png(),
      rgb: [1, 2, 3, 255, 128, 0],
    },
  ])("turns $what into 8-bit RGB", async ({ make, rgb }) => {
    const { pixels, widthPx, heightPx } = await decodeImage(await make().toBuffer());
    expect([widthPx, heightPx]).toEqual([2, 1]);
    expect([...pixels]).toEqual(rgb);
  });

  test("turns CMYK into RGB", async () => {
    const pixels = new Uint8Array(16 * 16 * 3).fill(250);
    const cmyk = await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
      .toColourspace("cmyk")
      .jpeg()
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const decoded = await decodeImage(cmyk);
    expect(decoded.pixels.length).toBe(16 * 16 * 3);
    expect(meanDifference(decoded.pixels, pixels)).toBeLessThan(16);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("stands EXIF orientation %i upright", async (orientation) => {
    const stored = { width: 2, height: 3 };
    const values = Uint8Array.from({ length: 6 }, (_, i) => i * 40);
    const grey = sharp(values, { raw: { ...stored, channels: 1 } });
    const png = await grey.withMetadata({ orientation }).png().toBuffer();
    const at = (x: number, y: number): number => values[y * 2 + x] ?? -1;
    const swapped = orientation >= 5;
    const widthPx = swapped ? 3 : 2;
    const heightPx = swapped ? 2 : 3;
    /** Where the upright pixel lies in the stored picture, by the EXIF table. */
    const stand = (x: number, y: number): number => {
      switch (orientation) {
        case 2:
          return at(1 - x, y);
        case 3:
          return at(1 - x, 2 - y);
        case 4:
          return at(x, 2 - y);
        case 5:
          return at(y, x);
        case 6:
          return at(y, 2 - x);
        case 7:
          return at(1 - y, 2 - x);
        case 8:
          return at(1 - y, x);
        default:
          return at(x, y);
      }
    };
    const expected = Array.from({ length: 6 }, (_, i) =>
      stand(i % widthPx, Math.floor(i / widthPx)),
    );
    const decoded = await decodeImage(png);
    expect([decoded.widthPx, decoded.heightPx]).toEqual([widthPx, heightPx]);
    expect([...decoded.pixels].filter((_, i) => i % 3 === 0)).toEqual(expected);
    expect(await imageSize(png)).toEqual({ widthPx, heightPx });
    const boxed = await letterbox(png, { widthPx, heightPx });
    expect(boxed.pixels).toEqual(decoded.pixels);
  });

  test("reads the size from the header alone", async () => {
    const path = join(folder, "size.jpg");
    await writeFile(path, await encodeImage(ramp(33, 20), { widthPx: 33, heightPx: 20 }));
    expect(await imageSize(path)).toEqual({ widthPx: 33, heightPx: 20 });
  });
});

describe("bad images", () => {
  test("not an image, empty, missing", async () => {
    const text = join(folder, "notes.jpg");
    await writeFile(text, "this is not a picture");
    await expect(decodeImage(text)).rejects.toMatchObject({
      code: "IMAGE_NOT_AN_IMAGE",
      message: expect.stringContaining(text) as string,
      hint: expect.any(String) as string,
    });
    await expect(imageSize(text)).rejects.toMatchObject({ code: "IMAGE_NOT_AN_IMAGE" });
    await expect(letterbox(text, { widthPx: 8, heightPx: 8 })).rejects.toMatchObject({
      code: "IMAGE_NOT_AN_IMAGE",
    });
    const empty = join(folder, "empty.png");
    await writeFile(empty, "");
    await expect(decodeImage(empty)).rejects.toMatchObject({ code: "IMAGE_NOT_AN_IMAGE" });
    await expect(decodeImage(join(folder, "absent.png"))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });

  test.each(["jpeg", "png"] as const)("a truncated %s", async (format) => {
    const whole = await encodeImage(ramp(200, 200), { widthPx: 200, heightPx: 200, format });
    const path = join(folder, `truncated.${format}`);
    await writeFile(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const reads = [
      () => decodeImage(path),
      () => decodeImage(path, { tolerance: "lenient" }),
      () => letterbox(path, { widthPx: 64, heightPx: 64 }),
    ];
    for (const read of reads)
      await expect(read()).rejects.toMatchObject({
        code: "IMAGE_CORRUPT",
        message: expect.stringContaining(path) as string,
      });
  });

  test("too large", async () => {
    const image = await encodeImage(ramp(40, 30), { widthPx: 40, heightPx: 30 });
    await expect(decodeImage(image, { maxPixels: 1199 })).rejects.toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
    expect((await decodeImage(image, { maxPixels: 1200 })).widthPx).toBe(40);
  });

  test("pixels that do not fill their size", async () => {
    await expect(
      encodeImage(new Uint8Array(11), { widthPx: 2, heightPx: 2 }),
    ).rejects.toMatchObject({ code: "IMAGE_SIZE" });
    const source = { pixels: new Uint8Array(13), widthPx: 2, heightPx: 2 };
    await expect(letterbox(source, { widthPx: 4, heightPx: 4 })).rejects.toMatchObject({
      code: "IMAGE_SIZE",
    });
  });

  test("an aborted read", async () => {
    const signal = AbortSignal.abort();
    await expect(decodeImage("any.png", { signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
    await expect(letterbox("any.png", { widthPx: 4, heightPx: 4, signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});

describe("letterbox", () => {
  test("centres, pads and keeps the shape", async () => {
    const pixels = new Uint8Array(40 * 20 * 3).fill(255);
    const boxed = await letterbox(
      { pixels, widthPx: 40, heightPx: 20 },
      { widthPx: 32, heightPx: 32, padValue: 7 },
    );
    expect(boxed.transform).toEqual({
      scale: 0.8,
      padXPx: 0,
      padYPx: 8,
      sourceWidthPx: 40,
      sourceHeightPx: 20,
    });
    const rows = Array.from({ length: 32 }, (_, y) => boxed.pixels[y * 32 * 3]);
    expect(rows).toEqual([
      ...Array<number>(8).fill(7),
      ...Array<number>(16).fill(255),
      ...Array<number>(8).fill(7),
    ]);
  });

  test("enlarges too, in one colour or three", async () => {
    const grey = await sharp(new Uint8Array(16).fill(90), {
      raw: { width: 4, height: 4, channels: 1 },
    })
      .toColourspace("b-w")
      .png()
      .toBuffer();
    const boxed = await letterbox(grey, { widthPx: 16, heightPx: 8 });
    expect(boxed.transform).toMatchObject({ scale: 2, padXPx: 4, padYPx: 0 });
    expect([...boxed.pixels.subarray(0, 12), ...boxed.pixels.subarray(12, 15)]).toEqual([
      ...Array<number>(12).fill(114),
      90,
      90,
      90,
    ]);
  });

  test("is the same from a path, from bytes and from decoded pixels when nothing shrinks on load", async () => {
    const path = join(folder, "same.jpg");
    await writeFile(path, await encodeImage(ramp(300, 170), { widthPx: 300, heightPx: 170 }));
    const options = { widthPx: 64, heightPx: 64, shrinkOnLoad: false };
    const fromPath = await letterbox(path, options);
    expect(await letterbox(await readFile(path), options)).toEqual(fromPath);
    expect(await letterbox(await decodeImage(path), options)).toEqual(fromPath);
    const shrunk = await letterbox(path, { ...options, shrinkOnLoad: true });
    expect(meanDifference(shrunk.pixels, fromPath.pixels)).toBeLessThan(2);
  });

  test("returns memory of its own, whole", async () => {
    const boxed = await letterbox(
      { pixels: ramp(8, 8), widthPx: 8, heightPx: 8 },
      { widthPx: 8, heightPx: 8 },
    );
    expect(boxed.pixels).toEqual(ramp(8, 8));
  });
});

describe.skipIf(!hasData("coco"))("real photos", () => {
  test("decode and letterbox all alike", async () => {
    const files = (await readdir(COCO, { recursive: true }))
      .filter((file) => file.endsWith(".jpg"))
      .slice(0, 12);
    expect(files.length).toBe(12);
    for (const file of files) {
      const path = join(COCO, file);
      const size = await imageSize(path);
      const decoded = await decodeImage(path);
      expect([decoded.widthPx, decoded.heightPx], relative(COCO, path)).toEqual([
        size.widthPx,
        size.heightPx,
      ]);
      const boxed = await letterbox(path, { widthPx: 416, heightPx: 416 });
      const fromPixels = await letterbox(decoded, { widthPx: 416, heightPx: 416 });
      expect(boxed.transform).toEqual(fromPixels.transform);
      expect(meanDifference(boxed.pixels, fromPixels.pixels)).toBeLessThan(1.5);
    }
  });
});
