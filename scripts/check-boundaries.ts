import { readdirSync } from "node:fs";
import { cruiseBoundaries } from "./check/boundaries.js";

/**
 * Checks the floors and doors of `src`. A checker that sees nothing reports no violation, so it is checked as well:
 * it must have read every file, and must find what is wrong in a fixture that breaks each kind of rule.
 */
const FIXTURE = "test/fixtures/boundaries";
const BROKEN_ON_PURPOSE = [
  "floor-base",
  "floor-runtime",
  "floor-consumer",
  "only-importer-sharp",
  "door",
  "no-cycle",
  "no-way-up",
  "resolvable",
  "unknown-room",
];

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((f) =>
  f.endsWith(".ts"),
);
const { modules, violations } = await cruiseBoundaries(".");
for (const violation of violations) console.error(violation);
if (violations.length > 0) process.exitCode = 1;
if (modules < files.length || modules === 0) {
  console.error(`only ${String(modules)} of ${String(files.length)} files of src were read`);
  process.exitCode = 1;
}
const { rules } = await cruiseBoundaries(FIXTURE);
const missed = BROKEN_ON_PURPOSE.filter((rule) => !rules.has(rule));
if (missed.length > 0) {
  console.error(`the checker no longer finds what ${FIXTURE} breaks: ${missed.join(", ")}`);
  process.exitCode = 1;
}
console.log(`${String(modules)} modules, ${String(violations.length)} violations`);
