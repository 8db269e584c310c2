import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter } from "vitest/node";
import { MISSING_FILE_VARIABLE } from "./requirements.js";

/** Says at the end of a run what was skipped because the machine lacks something, and what cures it. */
export default class MissingReporter implements Reporter {
  #folder = mkdtempSync(join(tmpdir(), "edge-distill-missing-"));
  #file = join(this.#folder, "missing.jsonl");

  constructor() {
    // Workers inherit it.
    process.env[MISSING_FILE_VARIABLE] = this.#file;
    process.once("exit", () => rmSync(this.#folder, { recursive: true, force: true }));
  }

  onTestRunEnd(): void {
    const lines = readLines(this.#file);
    const cures = new Map<string, { cure: string; times: number }>();
    for (const line of lines) {
      const { name, cure } = JSON.parse(line) as { name: string; cure: string };
      cures.set(name, { cure, times: (cures.get(name)?.times ?? 0) + 1 });
    }
    if (cures.size > 0)
      process.stderr.write(
        [
          "",
          "#### SKIPPED for want of something on this machine ####",
          ...[...cures].map(
            ([name, { cure, times }]) => `  ${name} (${times} group(s) of tests): ${cure}`,
          ),
          "  With EDGE_DISTILL_REQUIRE_ALL=1 this is a failure, data and a disk to fill excepted.",
          "",
        ].join("\n"),
      );
    rmSync(this.#file, { force: true });
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
