import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Builds and packs the package in a folder of its own, so that a `dist` in use stays as it is.
 * @param folder is emptied first
 * @param types whether to build the declarations too, which takes longest
 * @returns the staged package and its tarball
 */
export async function packTarball(
  folder: string,
  { types = true }: { types?: boolean } = {},
): Promise<{ staged: string; tarball: string }> {
  const staged = join(resolve(folder), "package");
  await rm(folder, { recursive: true, force: true });
  await mkdir(staged, { recursive: true });
  const { files } = JSON.parse(await readFile("package.json", "utf8")) as { files: string[] };
  for (const name of ["package.json", "README.md", "LICENSE", ...files])
    if (name !== "dist" && (await exists(name)))
      await cp(name, join(staged, name), { recursive: true });
  await run(process.execPath, [
    "node_modules/tsup/dist/cli-default.js",
    "--silent",
    ...(types ? [] : ["--no-dts"]),
    "--out-dir",
    join(staged, "dist"),
  ]);
  const packed = await run("npm", ["pack", "--json", "--ignore-scripts", "--loglevel=error"], {
    cwd: staged,
  });
  const [entry] = JSON.parse(packed.stdout) as { filename: string }[];
  return { staged, tarball: join(staged, entry?.filename ?? "") };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
