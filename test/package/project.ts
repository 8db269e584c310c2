import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packTarball } from "../../scripts/check/pack-tarball.js";

const run = promisify(execFile);

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** An empty project into which the packed tarball was installed. */
export interface Project {
  folder: string;
  /** Runs an ES module's text with Node. */
  node(text: string): Promise<Outcome>;
  /** Runs the installed `edge-distill`. */
  cli(...args: string[]): Promise<Outcome>;
  remove(): void;
}

/** The specifiers of `exports`: `edge-distill`, `edge-distill/onnx` … without package.json. */
export function doors(): string[] {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, unknown>;
  };
  return Object.keys(exports)
    .filter((key) => key !== "./package.json")
    .map((key) => `edge-distill${key.slice(1)}`);
}

/** Packs this package as `npm publish` would, and installs it as a user would. */
export async function installTarball(...flags: string[]): Promise<Project> {
  const base = mkdtempSync(join(tmpdir(), "edge-distill-package-"));
  const { tarball } = await packTarball(join(base, "pack"), { types: false });
  const folder = mkdtempSync(join(tmpdir(), "edge-distill-project-"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "project", private: true, type: "module" }),
  );
  const args = [
    "install",
    tarball,
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...flags,
  ];
  // The line that the README tells users to set: npm 10 runs install scripts, and this one would download CUDA.
  await run("npm", args, {
    cwd: folder,
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  const start = async (file: string, rest: string[]): Promise<Outcome> => {
    try {
      return { status: 0, ...(await run(file, rest, { cwd: folder })) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { status: code, stdout, stderr };
    }
  };
  return {
    folder,
    node: (text) => {
      writeFileSync(join(folder, "script.js"), text);
      return start(process.execPath, ["script.js"]);
    },
    cli: (...rest) => start(join(folder, "node_modules/.bin/edge-distill"), rest),
    remove: () => {
      for (const path of [base, folder]) rmSync(path, { recursive: true, force: true });
    },
  };
}

export function isInstalled({ folder }: Project, name: string): boolean {
  return existsSync(join(folder, "node_modules", name));
}
