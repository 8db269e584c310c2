import { describe, expect, it } from "vitest";
import { DATA_FOLDER, hasData } from "../support/requirements.js";
import { countByClass, loadDataset, splitByGroup } from "../../src/data/index.js";

const ROOT = DATA_FOLDER;

describe.skipIf(!hasData("neu-det"))("real sets", () => {
  it("DeepPCB: both official lists, every board with its template", async () => {
    const trainval = await loadDataset({
      format: "deeppcb",
      root: `${ROOT}/deeppcb`,
      split: "trainval",
    });
    const test = await loadDataset({ format: "deeppcb", root: `${ROOT}/deeppcb`, split: "test" });
    expect([trainval.images.length, test.images.length]).toEqual([50, 167]);
    expect(
      [...trainval.images, ...test.images].every(
        (i) => i.reference !== undefined && i.widthPx === 640,
      ),
    ).toBe(true);
    expect(countByClass(test).map((n, i) => n + (countByClass(trainval)[i] ?? 0))).toEqual([
      286, 207, 275, 208, 210, 207,
    ]);
    expect(test.warnings.clippedBoxes).toBe(0);
  });

  it("NEU-DET: a hundred images a class, halved within each", async () => {
    const [train, test] = await Promise.all(
      ["train", "test"].map(async (split) =>
        loadDataset({ format: "voc", root: `${ROOT}/neu-det`, split }),
      ),
    );
    expect(train?.classes).toEqual([
      "crazing",
      "inclusion",
      "patches",
      "pitted_surface",
      "rolled-in_scale",
      "scratches",
    ]);
    expect([train?.images.length, test?.images.length]).toEqual([300, 300]);
    const both = new Set([...(train?.images ?? []), ...(test?.images ?? [])].map((i) => i.id));
    expect(both.size).toBe(600);
    // The published split: it must never drift.
    expect(train?.images.slice(0, 3).map((i) => i.id)).toEqual([
      "crazing_2",
      "crazing_3",
      "crazing_5",
    ]);
  });

  it("COCO photos in YOLO layout: 80 classes from the yaml", async () => {
    const val = await loadDataset({ format: "yolo", root: `${ROOT}/coco`, split: "val2017" });
    expect(val.classes).toHaveLength(80);
    expect(val.images).toHaveLength(64);
    expect(countByClass(val).reduce((a, b) => a + b, 0)).toBe(461);
  });

  it("aerial frames: flights stay together", async () => {
    const cars = await loadDataset({
      format: "yolo",
      root: `${ROOT}/aerial-cars`,
      groupPattern: "^(DJI[_-]\\d+|MunichStreet\\d+|MOS)",
    });
    expect(cars.images).toHaveLength(26);
    expect(cars.warnings.clippedBoxes).toBeLessThan(3);
    const { first, second } = splitByGroup(cars, { seed: 1 });
    const groups = new Set(first.images.map((i) => i.group));
    expect(second.images.some((i) => groups.has(i.group))).toBe(false);
    expect(first.images.length).toBeGreaterThan(5);
  });
});
