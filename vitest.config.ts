import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** Prints at the end what was skipped for want of a broker or a browser, and the script that cures it. */
const missingReporter = "./test/support/missing-reporter.ts";

/** Where `.ci/run` wants the results as JSON. */
const reportFile = process.env["EDGE_DISTILL_TEST_REPORT"];

export default defineConfig(({ mode }) => ({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "node_modules/**",
      "test/**/fixtures/**",
      ...(mode === "long" ? [] : ["test/**/*.long.test.ts"]),
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: [
      "default",
      ...(existsSync(missingReporter) ? [missingReporter] : []),
      ...(reportFile === undefined
        ? []
        : [["json", { outputFile: reportFile }] as ["json", { outputFile: string }]]),
    ],
  },
}));
