import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { create, extract } from "tar";
import { beforeEach, describe, expect, it } from "vitest";
import { openBundle, packBundle, verifyBundle } from "../../src/bundle/index.js";
import { draft, ed25519, temporaryFolder } from "./draft.js";

const keys = ed25519();
const stranger = ed25519();
const trust = { trustedKeys: [keys.publicPem] };
let folder = "";

beforeEach(() => {
  folder = temporaryFolder();
});

/** Unpacks, lets `change` meddle, packs again with tar alone. */
async function meddle(archive: string, change: (folder: string) => void): Promise<string> {
  const inside = join(folder, "inside");
  mkdirSync(inside);
  await extract({ file: archive, cwd: inside });
  change(inside);
  const out = join(folder, "meddled.tar");
  await create({ cwd: inside, file: out }, readdirSync(inside));
  return out;
}

describe.each(["b", "b.tar"])("a bundle at %s", (name) => {
  const bundle = (): string => join(folder, name);

  it("packs, verifies, opens", async () => {
    const files = { "report.json": new TextEncoder().encode("{}\n") };
    const packed = await packBundle(bundle(), draft(), { privateKey: keys.privatePem, files });
    const opened = await openBundle(bundle(), {
      trustedKeys: [stranger.publicPem, keys.publicPem],
    });
    expect(opened.manifest).toEqual(packed.manifest);
    expect(opened.keyId).toBe(packed.keyId);
    expect(opened.manifest.files.map((f) => f.file)).toEqual(["files/report.json"]);
    for (const variant of draft().variants)
      expect(Buffer.from(await opened.readVariant(variant.name))).toEqual(
        Buffer.from(variant.model as Uint8Array),
      );
    await expect(opened.readVariant("int4")).rejects.toMatchObject({ code: "BUNDLE_INVALID" });
    expect(readdirSync(folder)).toEqual([name]);
  });

  it("is refused when signed by a key the device does not trust", async () => {
    await packBundle(bundle(), draft(), { privateKey: stranger.privatePem });
    await expect(verifyBundle(bundle(), trust)).rejects.toMatchObject({
      code: "BUNDLE_UNTRUSTED",
      exitStatus: 5,
    });
  });

  it("needs a trusted key", async () => {
    await packBundle(bundle(), draft(), { privateKey: keys.privatePem });
    await expect(verifyBundle(bundle(), { trustedKeys: [] })).rejects.toMatchObject({
      code: "BUNDLE_KEY",
    });
  });

  it("is not replaced unless asked, and then whole", async () => {
    await packBundle(bundle(), draft(), { privateKey: keys.privatePem });
    await expect(
      packBundle(bundle(), { ...draft(), version: "2" }, { privateKey: keys.privatePem }),
    ).rejects.toMatchObject({ code: "BUNDLE_EXISTS" });
    expect((await verifyBundle(bundle(), trust)).manifest.version).toBe("1.2.0");
    await packBundle(
      bundle(),
      { ...draft(), version: "2" },
      { privateKey: keys.privatePem, overwrite: true },
    );
    expect((await verifyBundle(bundle(), trust)).manifest.version).toBe("2");
    expect(readdirSync(folder)).toEqual([name]);
  });

  it("leaves nothing behind, and the old one in place, when packing fails", async () => {
    await packBundle(bundle(), draft(), { privateKey: keys.privatePem });
    const missing = {
      ...draft(),
      variants: [{ ...draft().variants[0], model: join(folder, "gone.onnx") }],
    };
    await expect(
      packBundle(bundle(), missing as ReturnType<typeof draft>, {
        privateKey: keys.privatePem,
        overwrite: true,
      }),
    ).rejects.toMatchObject({ code: "IO_NOT_FOUND" });
    expect(readdirSync(folder)).toEqual([name]);
    await verifyBundle(bundle(), trust);
  });

  it("stops on a signal", async () => {
    const abort = AbortSignal.abort();
    await expect(
      packBundle(bundle(), draft(), { privateKey: keys.privatePem, signal: abort }),
    ).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it("gives the same archive for the same content, whatever the umask", async () => {
  const archive = async (name: string, umask: number): Promise<Buffer> => {
    const before = process.umask(umask);
    try {
      await packBundle(join(folder, name), draft(), { privateKey: keys.privatePem });
    } finally {
      process.umask(before);
    }
    return readFileSync(join(folder, name));
  };
  const first = await archive("1.tar", 0o022);
  expect(first.equals(await archive("2.tar", 0o077))).toBe(true);
});

describe("tampering", () => {
  const sound = (): Promise<string> =>
    packBundle(join(folder, "sound.tar"), draft(), { privateKey: keys.privatePem }).then(
      (p) => p.path,
    );

  const changes: Record<string, [string, string, (inside: string) => void]> = {
    "a changed model": [
      "BUNDLE_TAMPERED",
      "variants/fp32.onnx",
      (d) => appendFileSync(join(d, "variants/fp32.onnx"), "x"),
    ],
    "a flipped bit": [
      "BUNDLE_TAMPERED",
      "variants/int8-ort-cpu.onnx",
      (d) => {
        const file = join(d, "variants/int8-ort-cpu.onnx");
        const bytes = readFileSync(file);
        bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
        writeFileSync(file, bytes);
      },
    ],
    "a missing model": [
      "BUNDLE_TAMPERED",
      "variants/fp32.onnx",
      (d) => rmSync(join(d, "variants/fp32.onnx")),
    ],
    "an extra file": [
      "BUNDLE_TAMPERED",
      "variants/extra.onnx",
      (d) => writeFileSync(join(d, "variants/extra.onnx"), "x"),
    ],
    "a link": [
      "BUNDLE_TAMPERED",
      "variants/fp32.onnx",
      (d) => {
        renameSync(join(d, "variants/fp32.onnx"), join(folder, "elsewhere"));
        symlinkSync(join(folder, "elsewhere"), join(d, "variants/fp32.onnx"));
      },
    ],
    "a changed manifest": [
      "BUNDLE_TAMPERED",
      "manifest.json",
      (d) => {
        const file = join(d, "manifest.json");
        writeFileSync(file, readFileSync(file, "utf8").replace("0.87", "0.97"));
      },
    ],
    "no signature": ["BUNDLE_UNSIGNED", "manifest.sig", (d) => rmSync(join(d, "manifest.sig"))],
    "a signature that is none": [
      "BUNDLE_INVALID",
      "manifest.sig",
      (d) => writeFileSync(join(d, "manifest.sig"), "{}"),
    ],
    "no manifest": ["BUNDLE_INVALID", "manifest.json", (d) => rmSync(join(d, "manifest.json"))],
  };

  it.each(Object.keys(changes))("%s is caught, in archive and folder", async (what) => {
    const [code, file, change] = changes[what] ?? ["", "", () => undefined];
    const archive = await meddle(await sound(), change);
    const expected = { code, message: expect.stringContaining(file) as string, exitStatus: 5 };
    await expect(verifyBundle(archive, trust)).rejects.toMatchObject(expected);
    await expect(verifyBundle(join(folder, "inside"), trust)).rejects.toMatchObject(expected);
  });

  it("a bundle re-signed with another key is refused, even under the trusted key's name", async () => {
    const resigned = join(folder, "resigned");
    await packBundle(resigned, draft(), { privateKey: stranger.privatePem });
    await expect(verifyBundle(resigned, trust)).rejects.toMatchObject({ code: "BUNDLE_UNTRUSTED" });
    const honest = join(folder, "honest");
    const { keyId } = await packBundle(honest, draft(), { privateKey: keys.privatePem });
    const file = join(resigned, "manifest.sig");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(/"keyId": "\w+"/, `"keyId": "${keyId}"`),
    );
    await expect(verifyBundle(resigned, trust)).rejects.toMatchObject({ code: "BUNDLE_TAMPERED" });
  });

  it("a path that leads outside is refused and nothing is written there", async () => {
    await sound();
    writeFileSync(join(folder, "outside.onnx"), "x");
    const inside = join(folder, "inside");
    mkdirSync(inside);
    await extract({ file: join(folder, "sound.tar"), cwd: inside });
    const archive = join(folder, "outside.tar");
    await create({ cwd: inside, file: archive, preservePaths: true }, [
      "manifest.json",
      "../outside.onnx",
    ]);
    await expect(verifyBundle(archive, trust)).rejects.toMatchObject({
      code: "BUNDLE_TAMPERED",
      details: { file: "../outside.onnx" },
    });
  });

  it("a file that is there twice is refused", async () => {
    const archive = await meddle(await sound(), () => undefined);
    await create({ cwd: join(folder, "inside"), file: archive }, [
      "manifest.json",
      "manifest.sig",
      "manifest.json",
    ]);
    await expect(verifyBundle(archive, trust)).rejects.toMatchObject({
      code: "BUNDLE_TAMPERED",
      message: expect.stringContaining("twice") as string,
    });
  });

  it("an archive cut short, compressed, or none at all is refused", async () => {
    const bytes = readFileSync(await sound());
    const cut = join(folder, "cut.tar");
    writeFileSync(cut, bytes.subarray(0, 7000));
    await expect(verifyBundle(cut, trust)).rejects.toMatchObject({ code: "BUNDLE_INVALID" });
    const none = join(folder, "none.tar");
    writeFileSync(none, "not a bundle");
    await expect(verifyBundle(none, trust)).rejects.toMatchObject({ code: "BUNDLE_INVALID" });
    const inside = join(folder, "inside");
    mkdirSync(inside);
    await extract({ file: join(folder, "sound.tar"), cwd: inside });
    await create({ cwd: inside, file: join(folder, "z.tar"), gzip: true }, readdirSync(inside));
    await expect(verifyBundle(join(folder, "z.tar"), trust)).rejects.toMatchObject({
      code: "BUNDLE_INVALID",
    });
    await expect(verifyBundle(join(folder, "gone.tar"), trust)).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });

  it("a model changed after verifying is not handed out", async () => {
    const bundle = join(folder, "b");
    await packBundle(bundle, draft(), { privateKey: keys.privatePem });
    const opened = await openBundle(bundle, trust);
    appendFileSync(join(bundle, "variants/fp32.onnx"), "x");
    await expect(opened.readVariant("fp32")).rejects.toMatchObject({ code: "BUNDLE_TAMPERED" });
  });
});
