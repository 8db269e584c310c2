import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { wish } from "./requirements.js";

/** Size of the file system that {@link mountSmallDisk} makes. */
export const SMALL_DISK_BYTES = 256 * 1024;

/**
 * A real file system of 256 KiB, gone when the test file is done; mounting one takes root on Linux.
 * @returns undefined, and told at the end of the run, where it cannot be had
 */
export function mountSmallDisk(): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), "edge-distill-disk-"));
  const mounted = wish("a tmpfs of its own (full disk)", {
    find: () => {
      try {
        const size = `size=${String(SMALL_DISK_BYTES)}`;
        execFileSync("mount", ["-t", "tmpfs", "-o", size, "tmpfs", disk], { stdio: "ignore" });
        return disk;
      } catch {
        return undefined;
      }
    },
    cure: "the tests as root on Linux, where mount is allowed",
  });
  afterAll(() => {
    if (mounted) execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  return mounted ? disk : undefined;
}
