import { appendFileSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, expect, it, vi } from "vitest";
import MissingReporter from "./missing-reporter.js";
import { MISSING_FILE_VARIABLE, requirement } from "./requirements.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it("says at the end of a run what was skipped and what cures it, once for each", () => {
  vi.stubEnv(MISSING_FILE_VARIABLE, "");
  const said: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const reporter = new MissingReporter();
  const file = process.env[MISSING_FILE_VARIABLE] ?? "";
  reporter.onTestRunEnd();
  expect(said).toEqual([]);
  const line = JSON.stringify({ name: "mosquitto", cure: "run scripts/setup-mosquitto.sh" });
  appendFileSync(file, `${line}\n${line}\n`);
  reporter.onTestRunEnd();
  expect(said.join("")).toContain(
    "mosquitto (2 group(s) of tests): run scripts/setup-mosquitto.sh",
  );
});

it("a missing program skips and is noted, or fails where everything is required", () => {
  const file = `${mkdtempSync(`${tmpdir()}/edge-distill-missing-`)}/missing.jsonl`;
  vi.stubEnv(MISSING_FILE_VARIABLE, file);
  vi.stubEnv("EDGE_DISTILL_REQUIRE_ALL", "");
  const absent = { find: () => undefined, cure: "scripts/setup-nothing.sh" };
  expect(requirement("nothing", absent)).toBe(false);
  expect(readFileSync(file, "utf8")).toBe(
    '{"name":"nothing","cure":"run scripts/setup-nothing.sh"}\n',
  );
  vi.stubEnv("EDGE_DISTILL_REQUIRE_ALL", "1");
  expect(() => requirement("nothing", absent)).toThrow("scripts/setup-nothing.sh");
  expect(requirement("something", { ...absent, find: () => "/bin/sh" })).toBe(true);
});
