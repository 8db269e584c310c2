import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEEPPCB_CLASSES, loadDataset, type DatasetSource } from "../../src/data/index.js";
import { encodeImage } from "../../src/image/index.js";

let base = "";
let root = "";
let count = 0;
let png: Uint8Array;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "edge-distill-load-"));
  png = await encodeImage(new Uint8Array(40 * 30 * 3).fill(90), {
    widthPx: 40,
    heightPx: 30,
    format: "png",
  });
});
afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});
beforeEach(() => {
  root = join(base, String(count++));
});

/** Writes files below `root`; `true` stands for a picture of 40x30. */
async function put(files: Readonly<Record<string, string | true>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content === true ? png : content);
  }
}

const voc = (objects: string, extra = ""): string =>
  `<annotation>\n<filename>a.png</filename>\n<size><width>40</width><height>30</height></size>\n${objects}${extra}</annotation>\n`;
const object = (name: string, box: readonly (number | string)[]): string =>
  `<object>\n<name>${name}</name>\n<bndbox><xmin>${String(box[0])}</xmin><ymin>${String(box[1])}</ymin><xmax>${String(box[2])}</xmax><ymax>${String(box[3])}</ymax></bndbox>\n</object>\n`;

const cocoFile = (change: Record<string, unknown> = {}): string =>
  JSON.stringify({
    categories: [
      { id: 7, name: "nut" },
      { id: 3, name: "bolt" },
    ],
    images: [{ id: 1, file_name: "a.png", width: 40, height: 30 }],
    annotations: [{ image_id: 1, category_id: 7, bbox: [4, 5, 6, 7] }],
    ...change,
  });

describe("layouts", () => {
  it("COCO: categories by id, boxes from x y w h, crowds left out and counted", async () => {
    const annotations = [
      { image_id: 1, category_id: 7, bbox: [4, 5, 6, 7] },
      { image_id: 1, category_id: 3, bbox: [0, 0, 9, 9], iscrowd: 1 },
    ];
    await put({ "train/a.png": true, "train/annotations.json": cocoFile({ annotations }) });
    const dataset = await loadDataset({ format: "coco", root, split: "train" });
    expect(dataset.classes).toEqual(["bolt", "nut"]);
    expect(dataset.images).toEqual([
      {
        id: "a",
        path: join(root, "train", "a.png"),
        widthPx: 40,
        heightPx: 30,
        annotations: [{ classId: 1, box: { xMin: 4, yMin: 5, xMax: 10, yMax: 12 } }],
      },
    ]);
    expect(dataset.warnings.crowdBoxes).toBe(1);
  });

  it("YOLO: shares of the image, parallel folders, empty and absent label files, groups", async () => {
    await put({
      "data.yaml": "path: .\nnames:\n  0: nut\n  1: 'big bolt'\n",
      "images/val/f1-01.png": true,
      "images/val/f1-02.png": true,
      "images/val/f2-01.png": true,
      "labels/val/f1-01.txt": "1 0.5 0.5 0.5 0.2\n\n",
      "labels/val/f1-02.txt": "",
    });
    const dataset = await loadDataset({
      format: "yolo",
      root,
      split: "val",
      groupPattern: "^(.*)-\\d+$",
    });
    expect(dataset.classes).toEqual(["nut", "big bolt"]);
    expect(dataset.images.map((i) => [i.id, i.group, i.annotations])).toEqual([
      ["val/f1-01", "f1", [{ classId: 1, box: { xMin: 10, yMin: 12, xMax: 30, yMax: 18 } }]],
      ["val/f1-02", "f1", []],
      ["val/f2-01", "f2", undefined],
    ]);
    const empty = await loadDataset({ format: "yolo", root, withoutLabelFile: "empty" });
    expect(empty.images[2]?.annotations).toEqual([]);
  });

  it("YOLO: a file of names, labels beside the images", async () => {
    await put({ "x.names": "car\ntruck\n", "a.png": true, "a.txt": "0 0.1 0.1 0.1 0.1" });
    const dataset = await loadDataset({ format: "yolo", root });
    expect(dataset.classes).toEqual(["car", "truck"]);
    expect(dataset.images[0]?.annotations).toHaveLength(1);
  });

  it("VOC: corners from 1 inclusive become 0-based exclusive; natural order; seeded halves per class", async () => {
    const files: Record<string, string | true> = {};
    for (let i = 0; i < 12; i++) {
      files[`IMAGES/p_${String(i)}.png`] = true;
      files[`ANNOTATIONS/p_${String(i)}.xml`] = voc(
        object(i % 2 === 0 ? "pit" : "crack", [1, 1, 40, 30]),
      );
    }
    await put(files);
    const all = await loadDataset({ format: "voc", root });
    expect(all.classes).toEqual(["crack", "pit"]);
    expect(all.images.map((i) => i.id)).toEqual(
      Array.from({ length: 12 }, (_, i) => `p_${String(i)}`),
    );
    expect(all.images[0]?.annotations).toEqual([
      { classId: 1, box: { xMin: 0, yMin: 0, xMax: 40, yMax: 30 } },
    ]);
    const halves = await Promise.all(
      ["train", "test"].map(async (split) => loadDataset({ format: "voc", root, split })),
    );
    for (const half of halves) {
      const classes = half.images.map((i) => i.annotations?.[0]?.classId);
      expect([
        classes.filter((c) => c === 0).length,
        classes.filter((c) => c === 1).length,
      ]).toEqual([3, 3]);
    }
    expect(new Set(halves.flatMap((h) => h.images.map((i) => i.id))).size).toBe(12);
    const other = await loadDataset({ format: "voc", root, split: "train", splitSeed: 1 });
    const again = await loadDataset({ format: "voc", root, split: "train" });
    expect(again.images).toEqual(halves[0]?.images);
    expect(other.images).not.toEqual(again.images);
  });

  it("DeepPCB: lists, absent images skipped and counted, templates as reference", async () => {
    await put({
      "PCBData/test.txt":
        "group1/1/1000.jpg group1/1_not/1000.txt\ngroup1/1/1001.jpg group1/1_not/1001.txt\n",
      "PCBData/group1/1/1000_test.jpg": true,
      "PCBData/group1/1/1000_temp.jpg": true,
      "PCBData/group1/1_not/1000.txt": "1 2 10 12 6\n",
    });
    const dataset = await loadDataset({ format: "deeppcb", root, split: "test" });
    expect(dataset.classes).toEqual(DEEPPCB_CLASSES);
    expect(dataset.warnings.absentImages).toBe(1);
    expect(dataset.images).toEqual([
      {
        id: "1000",
        path: join(root, "PCBData/group1/1/1000_test.jpg"),
        reference: join(root, "PCBData/group1/1/1000_temp.jpg"),
        group: "group1",
        widthPx: 40,
        heightPx: 30,
        annotations: [{ classId: 5, box: { xMin: 1, yMin: 2, xMax: 10, yMax: 12 } }],
      },
    ]);
  });

  it("folder: every image below, unlabelled, subfolders as groups", async () => {
    await put({ "b/10.png": true, "b/2.png": true, "a.png": true, "notes.txt": "no image" });
    const dataset = await loadDataset({ format: "folder", root, licence: "CC0" });
    expect(dataset.images.map((i) => [i.id, i.group, i.annotations])).toEqual([
      ["a", undefined, undefined],
      ["b/2", "b", undefined],
      ["b/10", "b", undefined],
    ]);
    expect(dataset.licence).toBe("CC0");
  });
});

describe("bad input", () => {
  async function failure(source: Omit<DatasetSource, "root">): Promise<unknown> {
    return loadDataset({ root, ...source }).then(
      () => "loaded",
      (error: unknown) => error,
    );
  }
  const says = (code: string, ...parts: string[]): unknown =>
    expect.objectContaining({
      code,
      message: expect.stringMatching(
        new RegExp(parts.map((p) => p.replace(/[.*[\]()]/g, "\\$&")).join("[^]*")),
      ) as string,
      hint: expect.stringMatching(/\w/) as string,
    });

  it("an empty folder: DATA_EMPTY names it", async () => {
    await mkdir(root, { recursive: true });
    expect(await failure({ format: "folder" })).toEqual(says("DATA_EMPTY", root));
    await put({ "x.names": "car" });
    expect(await failure({ format: "yolo" })).toEqual(says("DATA_EMPTY", root));
  });

  it("a folder that is not there: DATA_MISSING", async () => {
    expect(await failure({ format: "folder" })).toEqual(says("DATA_MISSING", root));
    expect(await failure({ format: "deeppcb" })).toEqual(says("DATA_MISSING", "trainval.txt"));
    expect(await failure({ format: "coco" })).toEqual(says("DATA_MISSING", "annotations.json"));
  });

  it("a text file named like an image: IMAGE_NOT_AN_IMAGE", async () => {
    await put({ "a.png": "this is no image" });
    expect(await failure({ format: "folder" })).toEqual(says("IMAGE_NOT_AN_IMAGE", "a.png"));
  });

  it("an unknown class: file, line and class", async () => {
    await put({ "x.names": "car", "a.png": true, "a.txt": "0 0.5 0.5 0.1 0.1\n3 0.5 0.5 0.1 0.1" });
    expect(await failure({ format: "yolo" })).toEqual(
      says("DATA_LABEL_UNKNOWN_CLASS", '"3"', "a.txt:2", "car"),
    );
    await put({
      "Annotations/a.xml": voc(object("pit", [1, 1, 9, 9]) + object("rust", [1, 1, 9, 9])),
    });
    expect(await failure({ format: "voc", classes: ["pit"] })).toEqual(
      says("DATA_LABEL_UNKNOWN_CLASS", '"rust"', "a.xml:8"),
    );
    await put({
      "annotations.json": cocoFile({
        annotations: [{ image_id: 1, category_id: 99, bbox: [1, 1, 2, 2] }],
      }),
    });
    expect(await failure({ format: "coco" })).toEqual(
      says("DATA_LABEL_UNKNOWN_CLASS", '"99"', "annotations.json, annotations[0].category_id"),
    );
    await put({ "trainval.txt": "a.jpg b.txt", "a_test.jpg": true, "b.txt": "1 1 5 5 7" });
    expect(await failure({ format: "deeppcb" })).toEqual(
      says("DATA_LABEL_UNKNOWN_CLASS", '"7"', "b.txt:1"),
    );
  });

  it.each([
    ["four fields", "0 0.5 0.5 0.1", "a.txt:1"],
    ["words", "0 0.5 half 0.1 0.1", "a.txt:1"],
    ["no area", "0 0.5 0.5 0 0.1", "no area"],
    ["far outside", "0 1.5 0.5 0.1 0.1", "outside its image of 40x30"],
    ["pixels instead of shares", "0 20 15 5 5", "outside its image"],
  ])("a YOLO label with %s: DATA_LABEL_INVALID", async (_, line, part) => {
    await put({ "x.names": "car", "a.png": true, "a.txt": line });
    expect(await failure({ format: "yolo" })).toEqual(says("DATA_LABEL_INVALID", part));
  });

  it("XML and JSON that cannot be read: line and field", async () => {
    await put({ "Annotations/a.xml": "<annotation>\n<object>\n</annotation>", "a.png": true });
    expect(await failure({ format: "voc" })).toEqual(says("DATA_LABEL_INVALID", "XML", "a.xml:"));
    await put({ "Annotations/a.xml": voc(object("pit", [1, 1, "x", 9])) });
    expect(await failure({ format: "voc" })).toEqual(says("DATA_LABEL_INVALID", "a.xml:4", "xmax"));
    await put({ "annotations.json": "{" });
    expect(await failure({ format: "coco" })).toEqual(
      says("DATA_LABEL_INVALID", "annotations.json"),
    );
    await put({
      "annotations.json": cocoFile({
        images: [{ id: 1, file_name: "a.png", width: "40", height: 30 }],
      }),
    });
    expect(await failure({ format: "coco" })).toEqual(
      says("DATA_LABEL_INVALID", "images[0].width"),
    );
    await put({
      "annotations.json": cocoFile({
        annotations: [{ image_id: 5, category_id: 7, bbox: [1, 1, 2, 2] }],
      }),
    });
    expect(await failure({ format: "coco" })).toEqual(
      says("DATA_LABEL_INVALID", "Image 5", "annotations[0].image_id"),
    );
  });

  it("labels for an image that is not there: DATA_MISSING names both", async () => {
    await put({ "annotations.json": cocoFile() });
    expect(await failure({ format: "coco" })).toEqual(
      says("DATA_MISSING", "a.png", "annotations.json"),
    );
    await put({
      "Annotations/lost.xml": voc(object("pit", [1, 1, 9, 9])).replace("a.png", "lost.png"),
      "other.png": true,
    });
    expect(await failure({ format: "voc" })).toEqual(says("DATA_MISSING", "lost.png", "lost.xml"));
  });

  it("a small overhang is clipped and counted", async () => {
    await put({
      "trainval.txt": "a.jpg b.txt",
      "a_test.jpg": true,
      "b.txt": "30 20 41 31 1\n0 0 5 5 2",
    });
    const dataset = await loadDataset({ format: "deeppcb", root });
    expect(dataset.images[0]?.annotations?.[0]?.box).toEqual({
      xMin: 30,
      yMin: 20,
      xMax: 40,
      yMax: 30,
    });
    expect(dataset.warnings.clippedBoxes).toBe(1);
  });

  it("class names that are not there, or have a hole", async () => {
    await put({ "images/a.png": true });
    expect(await failure({ format: "yolo" })).toEqual(says("DATA_MISSING", "*.names"));
    await put({ "data.yaml": "names:\n  0: car\n  2: bus\n" });
    expect(await failure({ format: "yolo" })).toEqual(
      says("DATA_LABEL_INVALID", "Class 1 has no name"),
    );
  });
});
