import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER = resolve(".cache/peers/torch");

/** A virtual environment with PyTorch, made when it is not there; several GB from PyPI. @returns its Python */
export async function torchPython(): Promise<string> {
  const python = join(FOLDER, "bin/python");
  if (existsSync(join(FOLDER, "ready"))) return python;
  console.error(`making ${FOLDER} with PyTorch, this takes minutes …`);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await run("python3", ["-m", "venv", FOLDER]);
  await run(python, ["-m", "pip", "install", "--quiet", "torch", "numpy"], {
    maxBuffer: 2 ** 26,
  });
  await run("touch", [join(FOLDER, "ready")]);
  return python;
}
