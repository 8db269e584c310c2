import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packBundle, verifyBundle } from "../../src/bundle/index.js";
import { mountSmallDisk } from "../support/small-disk.js";
import { draft, ed25519 } from "./draft.js";

const keys = ed25519();
const mounted = mountSmallDisk();
const disk = mounted ?? "";

describe.skipIf(mounted === undefined)(
  "a full disk (skipped without the right to mount a tmpfs)",
  () => {
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
  },
);
