import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  countByClass,
  LINE_CLASSES,
  loadDataset,
  renderAerialFrame,
  renderAerialSet,
  renderLineFrame,
  renderLineSet,
  type BoxXyxyPx,
} from "../../src/data/index.js";

const hash = (pixels: Uint8Array): string => createHash("sha256").update(pixels).digest("hex");

/** Box of the pixels in which two frames differ by more than `least` in some channel. */
function changed(a: Uint8Array, b: Uint8Array, widthPx: number, least: number): BoxXyxyPx {
  const box = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  for (let i = 0; i < a.length; i++) {
    if (Math.abs((a[i] ?? 0) - (b[i] ?? 0)) <= least) continue;
    const x = Math.floor(i / 3) % widthPx;
    const y = Math.floor(i / 3 / widthPx);
    box.xMin = Math.min(box.xMin, x);
    box.yMin = Math.min(box.yMin, y);
    box.xMax = Math.max(box.xMax, x + 1);
    box.yMax = Math.max(box.yMax, y + 1);
  }
  return box;
}

const edges = ({ xMin, yMin, xMax, yMax }: BoxXyxyPx): number[] => [xMin, yMin, xMax, yMax];

describe("line frames", () => {
  it("are the same for the same seed and index, and differ otherwise", () => {
    const frame = renderLineFrame({ seed: 7, index: 3 });
    const again = renderLineFrame({ seed: 7, index: 3 });
    expect(hash(again.pixels)).toBe(hash(frame.pixels));
    expect(again.annotations).toEqual(frame.annotations);
    expect(hash(renderLineFrame({ seed: 7, index: 4 }).pixels)).not.toBe(hash(frame.pixels));
    expect(hash(renderLineFrame({ seed: 8, index: 3 }).pixels)).not.toBe(hash(frame.pixels));
  });

  it("have boxes tight to the pixels that change when the defect is left out", () => {
    const seen = new Set<number>();
    for (let index = 0; index < 14; index++) {
      const frame = renderLineFrame({ seed: 3, index });
      frame.annotations.forEach(({ classId, box }, place) => {
        const clean = renderLineFrame({ seed: 3, index, omitDefects: [place] });
        expect(clean.annotations).toHaveLength(frame.annotations.length - 1);
        // A hole that is missing changes more than its own mark: belt and shadow that would be seen through it.
        const diff = changed(frame.pixels, clean.pixels, 512, 5);
        const slack = classId === LINE_CLASSES.indexOf("missing-feature") ? 6 : 4;
        edges(diff).forEach((edge, k) => {
          expect(
            Math.abs(edge - (edges(box)[k] ?? NaN)),
            `frame ${String(index)}, defect ${String(place)}`,
          ).toBeLessThanOrEqual(slack);
        });
        seen.add(classId);
      });
    }
    expect([...seen].sort()).toEqual([0, 1, 2]);
  });

  it("show every class, frames without defects, and boxes of the promised size", () => {
    const frames = Array.from({ length: 60 }, (_, index) => renderLineFrame({ seed: 5, index }));
    const boxes = frames.flatMap((f) => f.annotations);
    expect(new Set(boxes.map((b) => b.classId)).size).toBe(3);
    expect(frames.some((f) => f.annotations.length === 0)).toBe(true);
    expect(Math.max(...frames.map((f) => f.annotations.length))).toBeLessThanOrEqual(4);
    expect(Math.max(...frames.map((f) => f.partCount))).toBeGreaterThan(1);
    for (const { box } of boxes) {
      const sides = [box.xMax - box.xMin, box.yMax - box.yMin];
      expect(Math.min(...sides)).toBeGreaterThanOrEqual(9);
      expect(Math.max(...sides)).toBeLessThanOrEqual(100);
      expect(box.xMin >= 0 && box.yMin >= 0 && box.xMax <= 512 && box.yMax <= 384).toBe(true);
    }
  });

  it("without any defect carry no annotation and are otherwise the same picture", () => {
    const frame = renderLineFrame({ seed: 3, index: 1 });
    const clean = renderLineFrame({ seed: 3, index: 1, omitDefects: "all" });
    expect(clean.annotations).toEqual([]);
    expect(clean.partCount).toBe(frame.partCount);
    const same = clean.pixels.filter((v, i) => v === frame.pixels[i]).length;
    expect(same / clean.pixels.length).toBeGreaterThan(0.9);
  });
});

describe("aerial frames", () => {
  it("repeat, and have boxes tight to each vehicle", () => {
    const frame = renderAerialFrame({ seed: 2, index: 0 });
    expect(hash(renderAerialFrame({ seed: 2, index: 0 }).pixels)).toBe(hash(frame.pixels));
    expect(frame.annotations.length).toBeGreaterThan(3);
    for (const [place, { box }] of frame.annotations.slice(0, 6).entries()) {
      const clean = renderAerialFrame({ seed: 2, index: 0, omitVehicles: [place] });
      const diff = changed(frame.pixels, clean.pixels, 640, 6);
      // The shadow lies beside the vehicle: up to five pixels on its own side, and blur.
      edges(diff).forEach((edge, k) => {
        expect(Math.abs(edge - (edges(box)[k] ?? NaN))).toBeLessThanOrEqual(8);
      });
      expect(box.xMax - box.xMin).toBeGreaterThanOrEqual(5);
      expect(Math.max(box.xMax - box.xMin, box.yMax - box.yMin)).toBeLessThanOrEqual(44);
    }
  });
});

describe("rendered sets", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "edge-distill-render-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("read back as they were rendered, and grow without changing", async () => {
    const steps: number[] = [];
    const small = await renderLineSet(join(folder, "small"), {
      seed: 9,
      counts: { unlabelled: 2, labelled: 3, heldOut: 2 },
      onProgress: ({ fraction }) => steps.push(fraction),
    });
    expect(steps.at(-1)).toBe(1);
    expect(small.unlabelled.images.every((i) => i.annotations === undefined)).toBe(true);
    const read = await loadDataset({
      format: "coco",
      root: join(folder, "small"),
      split: "labelled",
    });
    expect(read.classes).toEqual(LINE_CLASSES);
    expect(read.images).toEqual(small.labelled.images);
    expect(read.warnings).toEqual({ clippedBoxes: 0, crowdBoxes: 0, absentImages: 0 });
    const large = await renderLineSet(join(folder, "large"), {
      seed: 9,
      counts: { unlabelled: 3, labelled: 3, heldOut: 2 },
    });
    expect(large.heldOut.images.map((i) => i.annotations)).toEqual(
      small.heldOut.images.map((i) => i.annotations),
    );
    const left = await readdir(folder, { recursive: true });
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("of aerial frames hold vehicles", async () => {
    const set = await renderAerialSet(join(folder, "aerial"), {
      seed: 1,
      counts: { unlabelled: 0, labelled: 2, heldOut: 1 },
    });
    expect(countByClass(set.labelled).reduce((a, b) => a + b, 0)).toBeGreaterThan(4);
    expect(set.heldOut.images[0]).toMatchObject({ widthPx: 640, heightPx: 640 });
  });

  it("tell where a frame cannot be written", async () => {
    const file = join(folder, "in-the-way");
    await writeFile(file, "a file where the folder should be");
    await expect(
      renderLineSet(join(file, "below"), { counts: { unlabelled: 9, labelled: 0, heldOut: 0 } }),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^IO_/) as string,
      message: expect.stringContaining("in-the-way") as string,
    });
  });

  it("stop at the signal with INTERRUPTED, and leave no annotation file", async () => {
    const control = new AbortController();
    const target = join(folder, "stopped");
    await expect(
      renderLineSet(target, {
        counts: { unlabelled: 0, labelled: 40, heldOut: 0 },
        signal: control.signal,
        onProgress: () => {
          control.abort();
        },
      }),
    ).rejects.toMatchObject({ code: "INTERRUPTED" });
    const left = await readdir(join(target, "labelled"));
    expect(left).not.toContain("annotations.json");
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
