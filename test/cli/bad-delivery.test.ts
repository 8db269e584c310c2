import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { packBundle } from "../../src/bundle/index.js";
import { startEmbeddedBroker } from "../../src/stream/index.js";
import { freePort } from "../support/broker.js";
import { mountSmallDisk } from "../support/small-disk.js";
import { ed25519 } from "../bundle/draft.js";
import { brightnessModel, fp32, tinyDraft } from "../runtime/tiny-bundle.js";
import {
  coco,
  flipped,
  folderOf,
  jobConfig,
  jpeg,
  network,
  NOT_AN_IMAGE,
  pictures,
  within,
} from "./bad-files.js";
import { expectRefusal, type Refusal } from "./refusal.js";
import { run } from "./run.js";

const keys = ed25519();
const strangers = ed25519();
const folder = folderOf({
  "public.pem": keys.publicPem,
  "private.pem": keys.privatePem,
  "frames/1.jpg": jpeg,
  "frames/2.jpg": jpeg,
  "some-bad/1.jpg": jpeg,
  "some-bad/2.jpg": NOT_AN_IMAGE,
  "empty/readme.txt": "",
  "job/job.json": jobConfig("coco"),
  ...within("job/data", coco()),
  ...within("images", pictures()),
  "m.onnx": network(),
});
const at = (name: string): string => join(folder, name);
/** A port on which nobody listens. */
let nobody = "";

beforeAll(async () => {
  const draft = tinyDraft([fp32(brightnessModel())]);
  const { privatePem: privateKey } = keys;
  await packBundle(at("sound.tar"), draft, { privateKey });
  await packBundle(at("sound"), draft, { privateKey });
  await packBundle(at("stranger.tar"), draft, { privateKey: strangers.privatePem });
  const tar = readFileSync(at("sound.tar"));
  const spoil = (name: string, marker: string, offset: number): void => {
    const found = tar.indexOf(marker);
    expect(found).toBeGreaterThan(0);
    writeFileSync(at(name), flipped(tar, found + offset));
  };
  spoil("manifest.tar", '"brightness"', 1);
  // The content begins one block of 512 bytes after the entry's name.
  spoil("model.tar", "variants/fp32.onnx\0", 512 + 40);
  writeFileSync(at("short.tar"), tar.subarray(0, tar.length / 2));
  await packBundle(at("extra"), draft, { privateKey });
  writeFileSync(at("extra/variants/more.onnx"), "x");
  await packBundle(at("flipped"), draft, { privateKey });
  const file = at("flipped/variants/fp32.onnx");
  writeFileSync(file, flipped(readFileSync(file), 40));
  nobody = `mqtt://127.0.0.1:${String(await freePort())}`;
});

const verify = (bundle: string): string[] => ["verify", at(bundle), "--key", at("public.pem")];
const stream = (bundle: string, source: string, broker: string): string[] => [
  ...["stream", "--bundle", at(bundle), "--key", at("public.pem")],
  ...["--source", at(source), "--broker", broker],
];

describe("a tampered bundle", () => {
  it.each<[string, Refusal["code"], string[]]>([
    ["manifest.tar", "BUNDLE_TAMPERED", ["manifest.json", "manifest.tar", "signature"]],
    ["model.tar", "BUNDLE_TAMPERED", ["variants/fp32.onnx", "model.tar", "hash"]],
    ["flipped", "BUNDLE_TAMPERED", ["variants/fp32.onnx", "flipped", "hash"]],
    ["extra", "BUNDLE_TAMPERED", ["variants/more.onnx", "extra", "not listed"]],
    ["short.tar", "BUNDLE_INVALID", ["short.tar"]],
    ["stranger.tar", "BUNDLE_UNTRUSTED", ["stranger.tar", "does not trust"]],
    ["none.tar", "IO_NOT_FOUND", ["none.tar"]],
    ["m.onnx", "BUNDLE_INVALID", ["m.onnx"]],
  ])("%s: neither verified nor run", async (bundle, code, names) => {
    await expectRefusal(verify(bundle), { code, names });
    await expectRefusal(stream(bundle, "frames", nobody), { code, names });
  });

  it("the sound one is verified", async () => {
    expect((await run(verify("sound.tar"))).status).toBe(0);
  });
});

describe.concurrent("an unreachable broker", () => {
  it.each<[string, () => string[]]>([
    ["stream", () => stream("sound", "frames", nobody)],
    ["watch", () => ["watch", "--broker", nobody]],
    [
      "run, before anything is trained",
      () => ["run", "--config", at("job/job.json"), "--out", at("job-out"), "--broker", nobody],
    ],
  ])("%s", async (_, words) => {
    const names = [nobody, "ECONNREFUSED"];
    await expectRefusal(words(), { code: "STREAM_UNREACHABLE", names, out: at("job-out") });
  });

  it("that stays away in the middle of a stream", async () => {
    const broker = await startEmbeddedBroker();
    const argv = [...stream("sound", "images", broker.url), "--fps", "5", "--json"];
    const running = run(argv);
    expect((await run(["watch", "--broker", broker.url, "--count", "1"])).status).toBe(0);
    await broker.close();
    const { status, stdout } = await running;
    expect(status).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "STREAM_UNREACHABLE" } });
  });
});

describe("frames", () => {
  it("one that is no image: the others are published, and the end tells it", async () => {
    await using broker = await startEmbeddedBroker();
    const argv = stream("sound", "some-bad", broker.url);
    const names = ["1 of 2 frames", "some-bad/2.jpg"];
    await expectRefusal(argv, { code: "IMAGE_NOT_AN_IMAGE", names });
    const { stdout } = await run([...argv, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { details: { published: 1, undelivered: 0, failed: 1 } },
    });
  });

  it.each([
    ["empty", "DATA_EMPTY"],
    ["none", "IO_NOT_FOUND"],
  ] as const)("a folder that is %s", async (source, code) => {
    await using broker = await startEmbeddedBroker();
    await expectRefusal(stream("sound", source, broker.url), { code, names: [at(source)] });
  });

  it("sound ones are published", async () => {
    await using broker = await startEmbeddedBroker();
    const { status, stdout } = await run([...stream("sound", "frames", broker.url), "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ published: 2, undelivered: 0, failed: 0 });
  });
});

const disk = mountSmallDisk();

describe.skipIf(disk === undefined)("a full disk", () => {
  const on = (name: string): string => join(disk ?? "", name);
  /** Fills the disk but for so many bytes. */
  const fill = (freeBytes: number): void => {
    rmSync(on("filler"), { force: true });
    const { bavail, bsize } = statfsSync(disk ?? "");
    writeFileSync(on("filler"), new Uint8Array(bavail * bsize - freeBytes));
  };
  const left = (): string[] => readdirSync(disk ?? "", { recursive: true, encoding: "utf8" });

  it.each([0, 4096])("keys, %i bytes free", async (freeBytes) => {
    fill(freeBytes);
    await expectRefusal(["keys", "--out", on("signing")], {
      code: "IO_DISK_FULL",
      names: [on(freeBytes === 0 ? "signing-private.pem" : "signing-public.pem")],
    });
    expect(left()).toEqual(["filler"]);
  });

  it.each(["b.tar", "b"])("pack to %s", async (name) => {
    fill(8192);
    const { variants, ...rest } = tinyDraft([fp32(network())]);
    const files = variants.map((variant) => ({ ...variant, model: at("m.onnx") }));
    writeFileSync(at("draft.json"), JSON.stringify({ ...rest, variants: files }));
    const argv = ["pack", at("draft.json"), "--key", at("private.pem"), "--out", on(name)];
    await expectRefusal(argv, { code: "IO_DISK_FULL", names: [on(name)] });
    expect(left()).toEqual(["filler"]);
  });

  // Room for the first variants, not for all.
  it.each([
    [0, "fp32.onnx"],
    [16_384, "fp16.onnx"],
  ])("quantize, %i bytes free", async (freeBytes, first) => {
    fill(freeBytes);
    const out = on("variants");
    const argv = ["quantize", at("m.onnx"), "--images", at("images"), "--out", out];
    await expectRefusal(argv, { code: "IO_DISK_FULL", names: [join(out, first)] });
    expect(left()).toEqual(["filler"]);
  });
});
