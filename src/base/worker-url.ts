import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { EdgeDistillError } from "./error.js";

/**
 * The file of a worker, in the sources and in the built package alike.
 * From `from` upwards, the first folder that holds `<name>.js` or `<name>.ts` has it: `dist/` above a chunk, `src/`
 * above this file.
 * @param name path below `src`, without extension: `"engine/worker"`
 * @throws INTERNAL when the package was built without that entry
 */
export function workerFile(name: string, from: string = fileURLToPath(import.meta.url)): string {
  for (
    let folder = dirname(from), above = "";
    folder !== above;
    above = folder, folder = dirname(folder)
  ) {
    for (const extension of [".js", ".ts"]) {
      const file = join(folder, name + extension);
      if (existsSync(file)) return file;
    }
  }
  throw new EdgeDistillError(
    "INTERNAL",
    `The worker file "${name}" is in none of the folders above ${from}`,
    {
      hint: "Add it to the entries of the build.",
      details: { name, from },
    },
  );
}

/**
 * Starts a worker thread by the name of its file below `src` (`"engine/worker"`).
 * Built packages start the `.js`. From TypeScript sources, tsx's loader is registered inside the worker first:
 * Node 20 cannot strip types, and `--import tsx` does not reach into worker threads.
 * @throws INTERNAL when there is no such file
 */
export function startWorker(name: string, options: WorkerOptions = {}): Worker {
  const file = workerFile(name);
  if (file.endsWith(".js")) return new Worker(file, options);
  const loader = createRequire(import.meta.url)
    .resolve("tsx/esm/api")
    .replace(/\.cjs$/, ".mjs");
  const bootstrap = [
    `const { register } = await import(${JSON.stringify(pathToFileURL(loader).href)});`,
    "register();",
    `await import(${JSON.stringify(pathToFileURL(file).href)});`,
  ].join("\n");
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), {
    execArgv: [],
    ...options,
  });
}
