import { str, type Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

interface Equation {
  /** The letters of each operand. */
  terms: readonly string[];
  result: string;
  /** Length of each letter's axis; an operand's axis of length 1 may broadcast. */
  lengths: ReadonlyMap<string, number>;
}

function equationOf(c: RuleContext): Equation {
  const equation = c.node.string("equation", "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const terms = left.split(",");
  const letters = terms.join("");
  if (equation.includes(".")) c.fail(`an ellipsis in "${equation}"`);
  if (terms.some((term) => new Set(term).size < term.length))
    c.fail(`an index twice in one operand of "${equation}"`);
  // without an arrow: the letters that stand once, in alphabetical order
  const once = [...letters].filter((l) => letters.split(l).length === 2).sort();
  const lengths = new Map<string, number>();
  terms.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      lengths.set(letter, Math.max(lengths.get(letter) ?? 1, dimsOf(c.x(i))[axis] ?? 1));
    });
  });
  return { terms, result: right ?? once.join(""), lengths };
}

/**
 * y = Σ of products: an operand's gradient is the same sum with dy in its place, "ij,jk->ik" to "ik,jk->ij". Letters
 * that stand in no other place were summed alone; along them the gradient repeats.
 */
export const einsumRules: readonly Rule[] = [
  defineRule("Einsum", (c) => {
    const { terms, result, lengths } = equationOf(c);
    return terms.map((term, i) => () => {
      const others = terms.flatMap((t, j) => (j === i ? [] : [{ letters: t, value: c.x(j) }]));
      const sources = [{ letters: result, value: c.dy }, ...others];
      const known = [...term].filter((l) => sources.some((s) => s.letters.includes(l)));
      const equation = `${sources.map((s) => s.letters).join(",")}->${known.join("")}`;
      const partial: Value = c.op(
        "Einsum",
        sources.map((s) => s.value),
        { equation: str(equation) },
      );
      const lone = [...term].map((l) => (known.includes(l) ? (lengths.get(l) ?? 1) : 1));
      return c.expand(
        c.reshape(partial, lone),
        [...term].map((l) => lengths.get(l) ?? 1),
      );
    });
  }),
];
