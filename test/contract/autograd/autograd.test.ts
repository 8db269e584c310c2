import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineRule, RULES } from "../../../src/autograd/index.js";
import { openEngine, type Engine } from "../../../src/engine/index.js";
import { activationCases } from "./activation-cases.js";
import { elementwiseCases } from "./elementwise-cases.js";
import { GradientCheck, type GradientCase } from "./gradient-check.js";
import { normalizationCases } from "./normalization-cases.js";
import { rearrangeCases } from "./rearrange-cases.js";
import { resampleCases } from "./resample-cases.js";
import { sequenceCases } from "./sequence-cases.js";
import { shapeCases } from "./shape-cases.js";
import { windowCases } from "./window-cases.js";

const CASES: readonly GradientCase[] = [
  ...elementwiseCases,
  ...activationCases,
  ...normalizationCases,
  ...shapeCases,
  ...rearrangeCases,
  ...resampleCases,
  ...sequenceCases,
  ...windowCases,
];

/** float32 rounds what finite differences subtract. */
const toleranceOf = (c: GradientCase): number => (c.dtype === "float32" ? 4e-3 : 1e-6);

let engine: Engine;
let check: GradientCheck;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
  check = new GradientCheck(engine);
});
afterAll(() => engine.close());

describe("every gradient rule against central finite differences through the engine", () => {
  it.each(CASES.map((c) => [c.title, c] as const))("%s", async (_, c) => {
    expect(await check.deviation(c)).toBeLessThan(toleranceOf(c));
  });

  it("has a case for every rule of the table", () => {
    const covered = new Set(CASES.flatMap((c) => [...GradientCheck.ops(c)]));
    expect(RULES.map((rule) => rule.op).filter((op) => !covered.has(op))).toEqual([]);
  });
});

describe("the suite bites", () => {
  it.each(RULES.map((rule) => [rule.op, rule] as const))(
    "a flipped sign in the rule of %s is noticed",
    async (_, rule) => {
      // one input after the other: a case must notice each
      const arity = Math.max(
        ...CASES.filter((c) => GradientCheck.ops(c).has(rule.op)).map((c) => c.inputs.length),
      );
      const noticed: boolean[] = [];
      for (let flipped = 0; flipped < arity; flipped++) {
        let has = false;
        const mutant = defineRule(rule.op, (c) =>
          rule.gradients(c).map((gradient, i) => {
            if (i !== flipped || !gradient) return gradient;
            return () => {
              has = true;
              return c.neg(gradient());
            };
          }),
        );
        let found = false;
        for (const c of CASES) {
          if (found || !GradientCheck.ops(c).has(rule.op)) continue;
          found = (await check.deviation(c, [mutant])) > toleranceOf(c);
        }
        if (has) noticed.push(found);
      }
      expect(noticed.length).toBeGreaterThan(0);
      expect(noticed).not.toContain(false);
    },
  );
});
