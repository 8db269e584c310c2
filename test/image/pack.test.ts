import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  boxToNetwork,
  boxToSource,
  IMAGENET_NORMALIZATION,
  inputDims,
  inputSpec,
  inputSpecSchema,
  letterboxTransform,
  packedLength,
  packImage,
  packNchw,
  prepareInput,
  type InputSpec,
} from "../../src/image/index.js";

const pixels = Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120);
const base: InputSpec = {
  ...inputSpec({ widthPx: 2, heightPx: 2 }),
  scale: [1, 2, 3],
  mean: [1, 2, 3],
};

describe("packing", () => {
  test.each([
    {
      layout: "nchw",
      channels: "rgb",
      expected: [9, 39, 69, 99, 36, 96, 156, 216, 81, 171, 261, 351],
    },
    {
      layout: "nchw",
      channels: "bgr",
      expected: [29, 59, 89, 119, 36, 96, 156, 216, 21, 111, 201, 291],
    },
    {
      layout: "nhwc",
      channels: "rgb",
      expected: [9, 36, 81, 39, 96, 171, 69, 156, 261, 99, 216, 351],
    },
    {
      layout: "nhwc",
      channels: "bgr",
      expected: [29, 36, 21, 59, 96, 111, 89, 156, 201, 119, 216, 291],
    },
  ] as const)(
    "float32 $layout $channels: (v - mean) * scale per network channel",
    ({ layout, channels, expected }) => {
      const spec: InputSpec = { ...base, layout, channels };
      expect([...packImage(pixels, spec, new Float32Array(12))]).toEqual(expected);
    },
  );

  test.each([
    {
      layout: "nchw",
      channels: "rgb",
      expected: [10, 40, 70, 100, 20, 50, 80, 110, 30, 60, 90, 120],
    },
    {
      layout: "nchw",
      channels: "bgr",
      expected: [30, 60, 90, 120, 20, 50, 80, 110, 10, 40, 70, 100],
    },
    { layout: "nhwc", channels: "rgb", expected: [...pixels] },
    {
      layout: "nhwc",
      channels: "bgr",
      expected: [30, 20, 10, 60, 50, 40, 90, 80, 70, 120, 110, 100],
    },
  ] as const)("uint8 $layout $channels: bytes as they are", ({ layout, channels, expected }) => {
    const spec: InputSpec = { ...base, dtype: "uint8", layout, channels };
    expect([...packImage(pixels, spec, new Uint8Array(12))]).toEqual(expected);
  });

  test("is the same for every size and alignment as one pixel at a time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom("rgb" as const, "bgr" as const),
        (widthPx, heightPx, shift, channels) => {
          const spec: InputSpec = { ...base, widthPx, heightPx, channels };
          const plane = widthPx * heightPx;
          const bytes = new Uint8Array(plane * 3 + shift).map((_, i) => i * 37);
          const image = bytes.subarray(shift);
          const expected = Array.from({ length: plane * 3 }, (_, k) => {
            const c = Math.floor(k / plane);
            const value = image[(k % plane) * 3 + (channels === "rgb" ? c : 2 - c)] ?? NaN;
            return (value - (spec.mean[c] ?? NaN)) * (spec.scale[c] ?? NaN);
          });
          expect([...packNchw(image, spec)]).toEqual(expected);
        },
      ),
    );
  });

  test("fills one image of a batch and leaves the others alone", () => {
    const out = new Float32Array(36).fill(-1);
    expect(packNchw(pixels, base, { out, imageIndex: 1 })).toBe(out);
    expect([...out.subarray(0, 12)]).toEqual(Array<number>(12).fill(-1));
    expect([...out.subarray(12, 24)]).toEqual([...packNchw(pixels, base)]);
    expect([...out.subarray(24)]).toEqual(Array<number>(12).fill(-1));
  });

  test("ImageNet normalization is (v / 255 - mean) / std", () => {
    const spec = inputSpec({ widthPx: 2, heightPx: 2, ...IMAGENET_NORMALIZATION });
    const packed = packNchw(pixels, spec);
    expect(packed[0]).toBeCloseTo((10 / 255 - 0.485) / 0.229, 5);
    expect(packed[4]).toBeCloseTo((20 / 255 - 0.456) / 0.224, 5);
    expect(packed[8]).toBeCloseTo((30 / 255 - 0.406) / 0.225, 5);
  });

  test.each([
    {
      why: "pixels of another size",
      run: () => packImage(pixels.subarray(3), base, new Float32Array(12)),
    },
    {
      why: "a buffer too small",
      run: () => packNchw(pixels, base, { out: new Float32Array(12), imageIndex: 1 }),
    },
    { why: "a buffer of another type", run: () => packImage(pixels, base, new Uint8Array(12)) },
  ])("refuses $why", ({ run }) => {
    expect(run).toThrowError(expect.objectContaining({ code: "IMAGE_SIZE" }) as Error);
  });

  test("prepareInput letterboxes and packs into the buffer given", async () => {
    const spec = inputSpec({ widthPx: 4, heightPx: 4 });
    const out = new Float32Array(packedLength(spec));
    const source = { pixels: new Uint8Array(4 * 2 * 3).fill(255), widthPx: 4, heightPx: 2 };
    const { tensor, transform } = await prepareInput(source, spec, { out });
    expect(tensor.dims).toEqual([1, 3, 4, 4]);
    expect(tensor.data.buffer).toBe(out.buffer);
    const pad = Math.fround(114 / 255);
    expect([...tensor.data.subarray(0, 16)]).toEqual([
      pad,
      pad,
      pad,
      pad,
      1,
      1,
      1,
      1,
      1,
      1,
      1,
      1,
      pad,
      pad,
      pad,
      pad,
    ]);
    expect(transform.padYPx).toBe(1);
    const bytes = await prepareInput(
      source,
      inputSpec({ widthPx: 4, heightPx: 4, dtype: "uint8", layout: "nhwc" }),
    );
    expect(bytes.tensor).toMatchObject({ dtype: "uint8", dims: [1, 4, 4, 3] });
    expect(inputDims(spec, 3)).toEqual([3, 3, 4, 4]);
  });

  test("a spec survives JSON and is checked strictly", () => {
    const spec = inputSpec({ widthPx: 640, heightPx: 480, channels: "bgr" });
    expect(inputSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    expect(inputSpecSchema.safeParse({ ...spec, kernel: "area" }).success).toBe(false);
    expect(inputSpecSchema.safeParse({ ...spec, extra: 1 }).success).toBe(false);
  });
});

describe("letterbox geometry", () => {
  const size = fc.record({
    widthPx: fc.integer({ min: 1, max: 5000 }),
    heightPx: fc.integer({ min: 1, max: 5000 }),
  });
  const network = fc.record({
    widthPx: fc.integer({ min: 1, max: 1280 }),
    heightPx: fc.integer({ min: 1, max: 1280 }),
  });

  test("the inner image fits the box, fills one side of it, and is centred to the pixel", () => {
    fc.assert(
      fc.property(size, network, (source, box) => {
        const t = letterboxTransform(source, box);
        expect(t.innerWidthPx).toBeLessThanOrEqual(box.widthPx);
        expect(t.innerHeightPx).toBeLessThanOrEqual(box.heightPx);
        expect(t.innerWidthPx === box.widthPx || t.innerHeightPx === box.heightPx).toBe(true);
        const rightPx = box.widthPx - t.innerWidthPx - t.padXPx;
        const bottomPx = box.heightPx - t.innerHeightPx - t.padYPx;
        expect([0, 1]).toContain(rightPx - t.padXPx);
        expect([0, 1]).toContain(bottomPx - t.padYPx);
      }),
    );
  });

  test("a box inside the source comes back from the network unchanged", () => {
    fc.assert(
      fc.property(
        size,
        network,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (source, box, f) => {
          const t = letterboxTransform(source, box);
          const [a = 0, b = 0, c = 0, d = 0] = f;
          const xyxy = [
            a * source.widthPx,
            b * source.heightPx,
            c * source.widthPx,
            d * source.heightPx,
          ] as const;
          const back = boxToSource(boxToNetwork(xyxy, t), t);
          back.forEach((v, i) => {
            expect(v).toBeCloseTo(xyxy[i] ?? NaN, 6);
          });
        },
      ),
    );
  });

  test("boxes that reach into the padding are clipped to the source", () => {
    const t = letterboxTransform({ widthPx: 200, heightPx: 100 }, { widthPx: 100, heightPx: 100 });
    expect(boxToSource([-10, 0, 110, 100], t)).toEqual([0, 0, 200, 100]);
  });
});
