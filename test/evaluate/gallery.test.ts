import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  areaTable,
  classTable,
  detectionGallery,
  evaluateDetections,
  mistakesGallery,
  precisionRecallChart,
  type GallerySource,
} from "../../src/evaluate/index.js";
import { encodeImage, imageSize } from "../../src/image/index.js";
import { detectionsOf, truthsOf } from "./boxes.js";

describe("galleries", () => {
  let folder: string;
  let source: GallerySource;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gallery-"));
    const [widthPx, heightPx] = [200, 100];
    const bytes = await encodeImage(new Uint8Array(widthPx * heightPx * 3).fill(90), {
      widthPx,
      heightPx,
    });
    const images = ["a", "b", "c", "d"].map((id) => ({ id, path: join(folder, `${id}.jpg`) }));
    for (const { path } of images) await writeFile(path, bytes);
    source = {
      classes: ["scratch", "pit"],
      images,
      truths: [
        truthsOf([[0, 10, 10, 40, 40]]),
        truthsOf([]),
        truthsOf([[1, 50, 50, 90, 90]]),
        truthsOf([[1, 0, 0, 20, 20]]),
      ],
      detections: [
        detectionsOf([
          [0, 10, 10, 40, 40, 0.9],
          [1, 60, 60, 80, 80, 0.1],
        ]),
        detectionsOf([[1, 5, 5, 30, 30, 0.8]]),
        detectionsOf([]),
        detectionsOf([[1, 0, 0, 20, 20, 0.7]]),
      ],
    };
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("shows images with objects, their boxes in source px, the picture shrunk", async () => {
    const { pictures, classes } = await detectionGallery(source, { count: 3, sidePx: 50 });
    expect(classes).toEqual(["scratch", "pit"]);
    expect(pictures.map(({ title }) => title)).toEqual(["a", "c", "d"]);
    const [first] = pictures;
    expect([first?.widthPx, first?.heightPx]).toEqual([200, 100]);
    expect(await imageSize(first?.image ?? new Uint8Array())).toEqual({
      widthPx: 50,
      heightPx: 25,
    });
    // The sure one and the label; not the one below the threshold.
    expect(first?.boxes.map(({ role, xMin, xMax }) => [role, xMin, xMax])).toEqual([
      ["truth", 10, 40],
      ["prediction", 10, 40],
    ]);
  });

  it("shows the worst mistakes first, in words and by role", async () => {
    const gallery = await mistakesGallery(source, { count: 9 });
    expect(gallery?.pictures.map(({ title, caption }) => [title, caption])).toEqual([
      ["c", "1 missed"],
      ["b", "1 false alarm"],
    ]);
    expect(gallery?.pictures.map(({ boxes }) => boxes.map(({ role }) => role))).toEqual([
      ["missed"],
      ["wrong"],
    ]);
    const perfect = {
      ...source,
      detections: source.detections.slice(0, 1),
      truths: source.truths.slice(0, 1),
    };
    expect(await mistakesGallery(perfect)).toBeUndefined();
  });

  it("stops at the signal, and names a picture that is no picture", async () => {
    await expect(detectionGallery(source, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    const path = join(folder, "words.jpg");
    await writeFile(path, "not a picture");
    await expect(
      detectionGallery({ ...source, images: source.images.map(({ id }) => ({ id, path })) }),
    ).rejects.toMatchObject({ code: "IMAGE_NOT_AN_IMAGE" });
  });

  it("turns figures into tables and curves", () => {
    const metrics = evaluateDetections(source.truths, source.detections, { classCount: 2 });
    const table = classTable(metrics, source.classes);
    expect(table.rows.map((row) => row.slice(0, 3))).toEqual([
      ["scratch", 1, expect.closeTo(1, 9)],
      ["pit", 2, metrics.classes[1]?.ap50],
    ]);
    expect(table.rows.every((row) => row.length === table.columns.length)).toBe(true);
    const chart = precisionRecallChart(metrics, source.classes);
    expect(chart.series.map(({ name }) => name)).toEqual(["mean over classes", "scratch", "pit"]);
    expect(areaTable(metrics).rows.map(([name, truths]) => [name, truths])).toEqual([
      ["small", 2],
      ["medium", 1],
      ["large", 0],
    ]);
    const labels = (iouThresholds: readonly number[]): string[] => {
      const judged = evaluateDetections(source.truths, source.detections, {
        classCount: 2,
        iouThresholds,
      });
      const { columns, rows } = areaTable(judged);
      expect(rows.every((row) => row.length === columns.length)).toBe(true);
      return columns.map(({ label }) => label);
    };
    expect(labels([0.5, 0.75])).toEqual(["Size", "Objects", "mAP50", "mAP50-95", "Average recall"]);
    expect(labels([0.33])).toEqual(["Size", "Objects", "mAP at IoU 0.33", "Average recall"]);
  });
});
