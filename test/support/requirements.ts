import { appendFileSync, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What some tests need of the machine, and how it gets there. */
export interface Requirement {
  /** Where it is, or undefined when it is missing. */
  find: () => string | undefined;
  /** The command that cures its absence. */
  cure: string;
}

const REQUIREMENTS = {
  mosquitto: { find: () => findProgram("mosquitto"), cure: "scripts/setup-mosquitto.sh" },
  chromium: { find: () => findProgram("chromium"), cure: "scripts/setup-chromium.sh" },
  openssl: { find: () => findProgram("openssl"), cure: "apt-get install -y openssl" },
} as const satisfies Record<string, Requirement>;

/** Real images and models, from the project's root. */
export const DATA_FOLDER = "../shared/data";

export type RequirementName = keyof typeof REQUIREMENTS;

/** The reporter collects what was missed in the file this variable names. */
export const MISSING_FILE_VARIABLE = "EDGE_DISTILL_MISSING_FILE";

/**
 * Whether the machine has what a test needs: `describe.skipIf(!requires("mosquitto"))`. What is missing is listed at the
 * end of the run with its cure; with EDGE_DISTILL_REQUIRE_ALL=1 it fails the file instead.
 */
export function requires(name: RequirementName): boolean {
  return requirement(name, REQUIREMENTS[name]);
}

/**
 * Whether real images or models are there: `describe.skipIf(!hasData("coco"))`. They lie beside the project and are not
 * part of it, so that their absence is told at the end and is never a failure.
 * @param path below `../shared/data`
 */
export function hasData(path: string): boolean {
  if (existsSync(join(DATA_FOLDER, path))) return true;
  report({ name: join(DATA_FOLDER, path), cure: "put it there; it is not part of the project" });
  return false;
}

/** `requires` for something that is not in the table. */
export function requirement(name: string, { find, cure }: Requirement): boolean {
  if (find() !== undefined) return true;
  if (process.env["EDGE_DISTILL_REQUIRE_ALL"] === "1")
    throw new Error(
      `This test needs ${name}, and EDGE_DISTILL_REQUIRE_ALL=1 forbids skipping. Run: ${cure}`,
    );
  report({ name, cure: `run ${cure}` });
  return false;
}

/** `requirement` for what a machine of continuous integration may lack: it is told at the end and is never a failure. */
export function wish(name: string, { find, cure }: Requirement): boolean {
  if (find() !== undefined) return true;
  report({ name, cure: `run ${cure}` });
  return false;
}

function report(missing: { name: string; cure: string }): void {
  const file = process.env[MISSING_FILE_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(missing)}\n`);
}

/** The path of a program on PATH or in the folders of system daemons. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
