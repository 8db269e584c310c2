import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EdgeDistillError } from "./error.js";

/**
 * Path of a file that ships with the package (`devices/…`, `calibration/…`), from the sources and when installed.
 * @param segments below the package's root
 * @throws IO_NOT_FOUND when the package's files are not beside the code, as after bundling it into one file
 */
export function packagePath(...segments: readonly string[]): string {
  return join(packageRoot(), ...segments);
}

function packageRoot(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("edge-distill/package.json"));
  } catch {
    const start = dirname(fileURLToPath(import.meta.url));
    for (let folder = start, above = ""; folder !== above; above = folder, folder = dirname(folder))
      if (existsSync(join(folder, "devices")) && existsSync(join(folder, "package.json")))
        return folder;
    throw new EdgeDistillError(
      "IO_NOT_FOUND",
      `The files of the package edge-distill are not found from ${start}`,
      {
        hint: "Keep edge-distill out of the bundle: mark it as external.",
        details: { from: start },
      },
    );
  }
}
