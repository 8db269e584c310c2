import { existsSync, readdirSync } from "node:fs";
import { expect } from "vitest";
import { ERROR_CODES, type ErrorCode } from "../../src/base/index.js";
import { run } from "./run.js";

export interface Refusal {
  code: ErrorCode;
  /** What the message must name: the file, and the place in it. */
  names: readonly string[];
  /** Where the command would have written. */
  out?: string;
}

interface JsonError {
  error?: { code?: string; message?: string; hint?: string };
}

/**
 * Runs a command line for people and for programs, and expects of both: the code's exit status, file and place in the
 * message, one thing to do, no stack trace, and nothing at all where the output would be.
 */
export async function expectRefusal(
  argv: readonly string[],
  { code, names, out }: Refusal,
): Promise<void> {
  const forPrograms = await run([...argv, "--json"]);
  const lines = forPrograms.stdout.trim().split("\n");
  expect(lines).toHaveLength(1);
  const { error } = JSON.parse(lines[0] ?? "") as JsonError;
  expect(error, error?.message).toMatchObject({
    code,
    hint: expect.stringMatching(/\w{3}/) as string,
  });
  for (const name of names) expect(error?.message).toContain(name);
  const forPeople = await run(argv);
  expect(forPeople.stdout).toBe("");
  expect(forPeople.stderr).toContain(`error ${code}: ${error?.message ?? ""}`.slice(0, 60));
  expect(forPeople.stderr).toContain(`hint: ${error?.hint ?? ""}`);
  for (const { status, stderr } of [forPrograms, forPeople]) {
    expect(status).toBe(ERROR_CODES[code]);
    expect(status).not.toBe(0);
    expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
    expect(stderr).not.toContain("INTERNAL");
  }
  if (out !== undefined) expect(listed(out)).toEqual([]);
}

/** The files at a path and below it; none when nothing is there. Empty folders hold no result. */
export function listed(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name);
}
