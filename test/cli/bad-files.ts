import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { encodeImage } from "../../src/image/index.js";
import { int, serializeModel } from "../../src/onnx/index.js";
import { sketch } from "../quantize/graphs.js";

/** Side of every picture. */
const SIDE = 32;

/** Contents by path in a folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** Writes files into a new folder that is gone when the test file is done. @returns the folder */
export function folderOf(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "edge-distill-bad-"));
  made.push(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The same files in a subfolder. */
export const within = (folder: string, files: Files): Files =>
  Object.fromEntries(
    Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]),
  );

/** What stands where an image should. */
export const NOT_AN_IMAGE = "These are words, whatever the name says.\n";

/** A grey JPEG. */
export const jpeg = await encodeImage(new Uint8Array(SIDE * SIDE * 3).fill(90), {
  widthPx: SIDE,
  heightPx: SIDE,
});

/** Twelve sound pictures, with further files or others instead. */
export const pictures = (more: Files = {}): Files => ({
  ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`p${String(i + 10)}.jpg`, jpeg])),
  ...more,
});

/** COCO, two splits of two pictures with one object each. */
export function coco({
  categoryId = 1,
  more = {},
}: {
  /** Of the second object of each split. */
  categoryId?: number;
  more?: Files;
} = {}): Files {
  const annotations = JSON.stringify({
    categories: [{ id: 1, name: "pit" }],
    images: [1, 2].map((id) => ({ id, file_name: `${String(id)}.jpg`, width: SIDE, height: SIDE })),
    annotations: [1, categoryId].map((category_id, i) => ({
      id: i + 1,
      image_id: i + 1,
      category_id,
      bbox: [2, 2, 20, 20],
    })),
  });
  const split = (name: string): Files => ({
    [`${name}/annotations.json`]: annotations,
    [`${name}/1.jpg`]: jpeg,
    [`${name}/2.jpg`]: jpeg,
  });
  return { ...split("train"), ...split("val"), ...more };
}

/** YOLO, one class, one picture a split. */
export const yolo = (line: string, picture: string | Uint8Array = jpeg): Files => ({
  "classes.txt": "pit\n",
  "images/train/1.jpg": picture,
  "labels/train/1.txt": `0 0.5 0.5 0.5 0.5\n${line}\n`,
  "images/val/1.jpg": picture,
  "labels/val/1.txt": `0 0.5 0.5 0.5 0.5\n${line}\n`,
});

/** VOC, one picture with one object of the named class. */
export const voc = (className: string, picture: string | Uint8Array = jpeg): Files => ({
  "JPEGImages/1.jpg": picture,
  "Annotations/1.xml": `<annotation>
  <filename>1.jpg</filename>
  <object>
    <name>${className}</name>
    <bndbox><xmin>3</xmin><ymin>3</ymin><xmax>20</xmax><ymax>20</ymax></bndbox>
  </object>
</annotation>
`,
});

/** DeepPCB, one board whose only label has the given type. */
export const deeppcb = (type: string, picture: string | Uint8Array = jpeg): Files => ({
  "trainval.txt": "group1/1.jpg group1/1.txt\n",
  "test.txt": "group1/1.jpg group1/1.txt\n",
  "group1/1_test.jpg": picture,
  "group1/1_temp.jpg": jpeg,
  "group1/1.txt": `2 2 20 20 ${type}\n`,
});

/** A small network of convolutions: sound as a teacher, and to be quantized. */
export function network(): Uint8Array {
  const s = sketch("bad input", { channels: 3 });
  const x = s.relu(s.conv(s.relu(s.conv(s.image, 16)), 16, { name: "second" }));
  s.b.output(s.b.op("Flatten", [s.b.op("GlobalAveragePool", [x])], { axis: int(1) }), "features");
  return serializeModel(s.b.model());
}

/** The first half of a file, as a broken transfer leaves it. */
export const half = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length / 2);

/** The same bytes but one bit. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** A job that would take seconds only. */
export const jobConfig = (
  format: string,
  change: Readonly<Record<string, unknown>> = {},
  data: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify(
    {
      name: "bad-input",
      data: { format, root: "data", ...data },
      input: { widthPx: SIDE, heightPx: SIDE },
      ...change,
    },
    null,
    2,
  );
