import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packBundle, verifyBundle } from "../../src/bundle/index.js";
import { draft, ed25519, temporaryFolder } from "./draft.js";

const keys = ed25519();
const disk = join(temporaryFolder(), "disk");

/** A real file system of 256 KiB; mounting one takes root on Linux. */
function mountSmallDisk(): boolean {
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const mounted = mountSmallDisk();
afterAll(() => {
  if (mounted) execFileSync("umount", [disk]);
});

describe.skipIf(!mounted)("a full disk (skipped without the right to mount a tmpfs)", () => {
  it.each(["b", "b.tar"])(
    "leaves no half bundle at %s, and the one before untouched",
    async (name) => {
      const bundle = join(disk, name);
      const options = { privateKey: keys.privatePem, overwrite: true };
      await packBundle(bundle, draft(), options);
      const [first] = draft().variants;
      const big = {
        ...draft(),
        version: "2",
        variants: [{ ...first, model: new Uint8Array(400_000) }],
      };
      await expect(
        packBundle(bundle, big as ReturnType<typeof draft>, options),
      ).rejects.toMatchObject({
        code: "IO_DISK_FULL",
        exitStatus: 8,
      });
      expect(readdirSync(disk).filter((f) => f.startsWith(name) && f !== name)).toEqual([]);
      const { manifest } = await verifyBundle(bundle, { trustedKeys: [keys.publicPem] });
      expect(manifest.version).toBe("1.2.0");
    },
  );

  it("is full indeed", () => {
    expect(() => writeFileSync(join(disk, "filler"), new Uint8Array(400_000))).toThrow("ENOSPC");
  });
});
