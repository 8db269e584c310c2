import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  coco,
  deeppcb,
  folderOf,
  half,
  jobConfig,
  jpeg,
  network,
  NOT_AN_IMAGE,
  pictures,
  voc,
  within,
  yolo,
  type Files,
} from "./bad-files.js";
import { expectRefusal, type Refusal } from "./refusal.js";
import type { ErrorCode } from "../../src/base/index.js";
import { run } from "./run.js";

/** A case's data set. */
const data = (files: Files): Files => within("data", files);

type Words = (at: (name: string) => string) => string[];

const quantize: Words = (at) => [
  "quantize",
  at("m.onnx"),
  "--images",
  at("data"),
  "--out",
  at("out"),
];
const evaluate =
  (format: string): Words =>
  (at) => ["evaluate", at("m.onnx"), "--data", at("data"), "--format", format];
const distill: Words = (at) => ["distill", "--config", at("job.json"), "--out", at("out")];
const job: Words = (at) => ["run", "--config", at("job.json"), "--out", at("out")];
const withTeacher =
  (words: Words): Words =>
  (at) => [...words(at), "--teacher", at("teacher.onnx")];

/** Title, files, command line, code, and what the message names besides. */
type Case = [string, Files, Words, Refusal["code"], string[]];

/** The command line is refused, and nothing lies in `out`. */
async function refuse(...[, files, words, code, names]: Case): Promise<void> {
  const folder = folderOf(files);
  const at = (name: string): string => join(folder, name);
  await expectRefusal(words(at), { code, names, out: at("out") });
}

const model = { "m.onnx": network() };
const job4 = (format: string, more: Readonly<Record<string, unknown>> = {}): Files => ({
  "job.json": jobConfig(format, {}, more),
});

describe("not an image", () => {
  it.each<Case>([
    [
      "quantize",
      { ...model, ...data(pictures({ "p15.jpg": NOT_AN_IMAGE })) },
      quantize,
      "IMAGE_NOT_AN_IMAGE",
      ["data/p15.jpg"],
    ],
    [
      "quantize: a picture that breaks off",
      { ...model, ...data(pictures({ "p15.jpg": half(jpeg) })) },
      quantize,
      "IMAGE_CORRUPT",
      ["data/p15.jpg"],
    ],
    [
      "evaluate, coco",
      { ...model, ...data(coco({ more: { "train/2.jpg": NOT_AN_IMAGE } })) },
      (at) => [...evaluate("coco")(at), "--split", "train"],
      "IMAGE_NOT_AN_IMAGE",
      ["data/train/2.jpg"],
    ],
    [
      "evaluate, yolo",
      { ...model, ...data(yolo("", NOT_AN_IMAGE)) },
      evaluate("yolo"),
      "IMAGE_NOT_AN_IMAGE",
      ["data/images/train/1.jpg"],
    ],
    [
      "distill, voc",
      { ...job4("voc"), ...data(voc("pit", NOT_AN_IMAGE)) },
      distill,
      "IMAGE_NOT_AN_IMAGE",
      ["data/JPEGImages/1.jpg"],
    ],
    [
      "distill, deeppcb",
      { ...job4("deeppcb"), ...data(deeppcb("1", NOT_AN_IMAGE)) },
      distill,
      "IMAGE_NOT_AN_IMAGE",
      ["data/group1/1_test.jpg"],
    ],
    [
      "run: a held-out coco image, before anything is trained",
      { ...job4("coco"), ...data(coco({ more: { "val/2.jpg": NOT_AN_IMAGE } })) },
      job,
      "IMAGE_NOT_AN_IMAGE",
      ["data/val/2.jpg"],
    ],
    [
      "distill: no training image is one",
      {
        ...job4("coco"),
        ...data(coco({ more: { "train/1.jpg": NOT_AN_IMAGE, "train/2.jpg": NOT_AN_IMAGE } })),
      },
      distill,
      "DATA_EMPTY",
      ["data/train/1.jpg"],
    ],
  ])("%s", refuse);
});

describe("an empty folder", () => {
  const empty = { "data/.keep": "" };
  it.each<Case>([
    ["quantize", { ...model, ...empty }, quantize, "DATA_EMPTY", ["/data"]],
    [
      "evaluate, coco",
      { ...model, ...empty },
      evaluate("coco"),
      "DATA_MISSING",
      ["data/annotations.json"],
    ],
    ["evaluate, yolo", { ...model, ...empty }, evaluate("yolo"), "DATA_MISSING", ["data/*.names"]],
    [
      "evaluate, voc",
      { ...model, ...empty },
      evaluate("voc"),
      "DATA_MISSING",
      ["data/Annotations"],
    ],
    [
      "evaluate, deeppcb",
      { ...model, ...empty },
      evaluate("deeppcb"),
      "DATA_MISSING",
      ["data/trainval.txt"],
    ],
    ["evaluate, folder", { ...model, ...empty }, evaluate("folder"), "DATA_EMPTY", ["/data"]],
    [
      "distill, coco",
      { ...job4("coco"), ...empty },
      distill,
      "DATA_MISSING",
      ["data/train/annotations.json"],
    ],
    [
      "distill, yolo",
      { ...job4("yolo", { classes: ["pit"] }), ...empty },
      distill,
      "DATA_MISSING",
      ["data/train"],
    ],
    ["run, voc", { ...job4("voc"), ...empty }, job, "DATA_MISSING", ["data/Annotations"]],
    ["run, deeppcb", { ...job4("deeppcb"), ...empty }, job, "DATA_MISSING", ["data/trainval.txt"]],
    [
      "distill: further images that are none",
      { ...job4("coco", { unlabelled: "more" }), ...data(coco()), "more/readme.txt": "" },
      distill,
      "DATA_EMPTY",
      ["/more"],
    ],
  ])("%s", refuse);
});

describe("a label of an unknown class", () => {
  it.each<Case>([
    [
      "evaluate, coco",
      { ...model, ...data(coco({ categoryId: 7 })) },
      (at) => [...evaluate("coco")(at), "--split", "val"],
      "DATA_LABEL_UNKNOWN_CLASS",
      ['"7"', "data/val/annotations.json, annotations[1].category_id"],
    ],
    [
      "evaluate, yolo",
      { ...model, ...data(yolo("3 0.5 0.5 0.2 0.2")) },
      evaluate("yolo"),
      "DATA_LABEL_UNKNOWN_CLASS",
      ['"3"', "data/labels/train/1.txt:2"],
    ],
    [
      "distill, voc",
      { ...job4("voc", { classes: ["pit"] }), ...data(voc("dent")) },
      distill,
      "DATA_LABEL_UNKNOWN_CLASS",
      ['"dent"', "data/Annotations/1.xml:3"],
    ],
    [
      "run, deeppcb",
      { ...job4("deeppcb"), ...data(deeppcb("9")) },
      job,
      "DATA_LABEL_UNKNOWN_CLASS",
      ['"9"', "data/group1/1.txt:1"],
    ],
  ])("%s", refuse);
});

describe("a truncated ONNX file", () => {
  const broken = half(network());
  it.each<Case>([
    ["quantize", { "m.onnx": broken, ...data(pictures()) }, quantize, "ONNX_CORRUPT", ["m.onnx"]],
    [
      "evaluate",
      { "m.onnx": broken, ...data(coco()) },
      evaluate("coco"),
      "ONNX_CORRUPT",
      ["m.onnx"],
    ],
    [
      "distill --teacher",
      { ...job4("coco"), ...data(coco()), "teacher.onnx": broken },
      withTeacher(distill),
      "ONNX_CORRUPT",
      ["teacher.onnx"],
    ],
    [
      "run --teacher",
      { ...job4("coco"), ...data(coco()), "teacher.onnx": broken },
      withTeacher(job),
      "ONNX_CORRUPT",
      ["teacher.onnx"],
    ],
    [
      "run --teacher: no ONNX at all",
      { ...job4("coco"), ...data(coco()), "teacher.onnx": NOT_AN_IMAGE },
      withTeacher(job),
      "ONNX_CORRUPT",
      ["teacher.onnx"],
    ],
  ])("%s", refuse);
});

describe.each([
  ["distill", distill],
  ["run", job],
])("a config, %s", (_, words) => {
  it.each<[string, string, string[]]>([
    ["a wrong field", jobConfig("coco", { studnet: {} }), ["job.json", "studnet"]],
    [
      "a wrong field below",
      jobConfig("coco", { student: { arch: "n" } }),
      ["job.json", "student.arch"],
    ],
    [
      "a wrong type",
      jobConfig("coco", { training: { batch: "8" } }),
      ["job.json", "training.batch"],
    ],
    ["a wrong value", jobConfig("pascal"), ["job.json", "data.format"]],
    ["not JSON", jobConfig("coco").slice(0, -2), ["job.json", "JSON"]],
    ["a list", "[]", ["job.json", "the whole file"]],
  ])("%s", async (_title, text, names) => {
    await refuse("", { "job.json": text, ...data(coco()) }, words, "CONFIG_INVALID", names);
  });

  it("is not there", async () => {
    await refuse("", {}, words, "IO_NOT_FOUND", ["job.json"]);
  });
});

describe("run, a name that nothing bears, before anything is trained", () => {
  it.each<[string, string, ErrorCode, string]>([
    ["a device", jobConfig("coco", { device: "jetson-nono" }), "DEVICE_UNKNOWN", "jetson-nono"],
    [
      "a preset",
      jobConfig("coco", { quantize: { preset: "fastest" } }),
      "QUANTIZE_PRESET_UNKNOWN",
      "fastest",
    ],
  ])("%s", async (_title, text, code, name) => {
    await refuse("", { "job.json": text, ...data(coco()) }, job, code, [name]);
  });
});

it("the same files without the fault are taken", async () => {
  const folder = folderOf({ ...model, ...data(pictures()) });
  const at = (name: string): string => join(folder, name);
  const { status, stderr } = await run([...quantize(at), "--target", "ort-cpu"]);
  expect(stderr).not.toContain("error");
  expect(status).toBe(0);
});
