import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { EdgeDistillError, errorMessage, isSystemError } from "./error.js";

/** Turns a Node file-system failure into ours, naming the path. */
export function ioError(error: unknown, path: string, doing: string): EdgeDistillError {
  if (error instanceof EdgeDistillError) return error;
  if (isSystemError(error, "ENOSPC", "EDQUOT"))
    return new EdgeDistillError("IO_DISK_FULL", `No space left while ${doing} ${path}`, {
      hint: "Free some disk space, or write to another disk; nothing was left under the final name.",
      details: { path },
      cause: error,
    });
  if (isSystemError(error, "ENOENT", "ENOTDIR"))
    return new EdgeDistillError(
      "IO_NOT_FOUND",
      `No such file or folder: ${path} (while ${doing} it)`,
      {
        hint: "Check the path.",
        details: { path },
        cause: error,
      },
    );
  return new EdgeDistillError("IO_FAILED", `Failed ${doing} ${path}: ${errorMessage(error)}`, {
    hint: "Check permissions and the disk.",
    details: { path },
    cause: error,
  });
}

/**
 * Writes a file so that its final name only ever holds the whole content: temporary name, fsync, rename.
 * @throws IO_DISK_FULL, IO_FAILED, IO_NOT_FOUND
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeFilesAtomic([[path, data]]);
}

/**
 * Writes files that belong together: none gets its final name before all are whole under temporary names. A folder made
 * for them goes again when it fails.
 * @throws IO_DISK_FULL, IO_FAILED, IO_NOT_FOUND
 */
export async function writeFilesAtomic(
  files: Iterable<readonly [path: string, data: string | Uint8Array]>,
): Promise<void> {
  const staged: { temporary: string; path: string }[] = [];
  const madeFolders: string[] = [];
  let at = "";
  try {
    for (const [path, data] of files) {
      at = path;
      const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
      if ((await mkdir(dirname(path), { recursive: true })) !== undefined)
        madeFolders.push(dirname(path));
      staged.push({ temporary, path });
      const handle = await open(temporary, "w");
      try {
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    for (const { temporary, path } of staged) {
      at = path;
      await rename(temporary, path);
    }
  } catch (error) {
    for (const { temporary } of staged) await rm(temporary, { force: true }).catch(() => undefined);
    // A folder that holds anything by now stays.
    for (const folder of madeFolders) await rmdir(folder).catch(() => undefined);
    throw ioError(error, at, "writing");
  }
}

/** Reads a file. @throws IO_NOT_FOUND, IO_FAILED */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw ioError(error, path, "reading");
  }
}
