import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { boundaryRules } from "./boundary-rules.js";
import { ROOMS } from "./rooms.js";

export interface BoundaryReport {
  modules: number;
  /** `rule: from → to`, one a line. */
  violations: string[];
  rules: Set<string>;
}

/**
 * Checks the imports below `src` of a project folder.
 * @param root the folder that holds `src`
 */
export async function cruiseBoundaries(root: string): Promise<BoundaryReport> {
  const { output } = await cruise(["src"], {
    baseDir: resolve(root),
    ruleSet: { forbidden: boundaryRules() },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  });
  if (typeof output === "string") throw new TypeError("dependency-cruiser answered with text");
  return report(output, root);
}

function report({ modules, summary }: ICruiseResult, root: string): BoundaryReport {
  const homeless = readdirSync(resolve(root, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !Object.hasOwn(ROOMS, entry.name))
    .map((entry) => ({
      rule: "unknown-room",
      text: `src/${entry.name} is not in scripts/check/rooms.ts`,
    }));
  const found = summary.violations.map(({ rule, from, to, cycle }) => ({
    rule: rule.name,
    text: `${from} → ${cycle === undefined ? to : cycle.map((step) => step.name).join(" → ")}`,
  }));
  const all = [...homeless, ...found];
  return {
    modules: modules.filter(({ source }) => /^src\/.*\.ts$/.test(source)).length,
    violations: all.map(({ rule, text }) => `${rule}: ${text}`),
    rules: new Set(all.map(({ rule }) => rule)),
  };
}
