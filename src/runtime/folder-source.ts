import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { EdgeDistillError, ioError } from "../base/index.js";
import type { ClockQuality } from "../wire/index.js";
import { captureTime, type Frame, type FrameSource } from "./frame.js";

/** Files that a folder's frames are taken from, by the end of their names. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".png",
  ".webp",
  ".tif",
  ".tiff",
  ".gif",
  ".avif",
];

export interface FolderSourceOptions {
  /** Start over after the last frame, until the stream is stopped. Frames of later rounds are named `NAME#2` … */
  loop?: boolean;
  /** Frames a second. Default: as fast as they are taken. */
  fps?: number;
  extensions?: readonly string[];
  clockQuality?: ClockQuality;
}

/**
 * The images of a folder, sorted by name, as if a camera took them: the time of capture is when a frame is released.
 * Frames keep their pace (`fps`), but never come in a burst to make up for lost time.
 * @throws while iterating: IO_NOT_FOUND, IO_FAILED, DATA_EMPTY
 */
export function folderSource(
  folder: string,
  { loop = false, fps, extensions = IMAGE_EXTENSIONS, clockQuality }: FolderSourceOptions = {},
): FrameSource {
  async function* frames({ signal }: { signal: AbortSignal }): AsyncGenerator<Frame> {
    const names = await imageNames(folder, extensions);
    let dueMs = performance.now();
    for (let round = 1; round === 1 || loop; round++)
      for (const name of names) {
        if (fps !== undefined) {
          await sleepUntil(dueMs, signal);
          const nowMs = performance.now();
          dueMs = (nowMs - dueMs > 1000 / fps ? nowMs : dueMs) + 1000 / fps;
        }
        if (signal.aborted) return;
        const id = round === 1 ? name : `${name}#${String(round)}`;
        yield { id, capturedAt: captureTime(clockQuality), image: join(folder, name) };
      }
  }
  return { name: folder, frames };
}

async function imageNames(folder: string, extensions: readonly string[]): Promise<string[]> {
  let names: string[];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    names = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .filter((name) => extensions.includes(extname(name).toLowerCase()));
  } catch (error) {
    throw ioError(error, folder, "reading");
  }
  if (names.length === 0)
    throw new EdgeDistillError("DATA_EMPTY", `There is no image in ${folder}`, {
      hint: `Put images in it (${extensions.join(", ")}), or name another folder.`,
      details: { folder },
    });
  return names.sort();
}

/** Also returns when the signal fires. */
async function sleepUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  const delayMs = dueMs - performance.now();
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal }).catch(() => undefined);
}
