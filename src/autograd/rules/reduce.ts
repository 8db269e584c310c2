import type { Value } from "../../onnx/index.js";
import { constantInts, dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/** The axes a reduction runs over, from attribute or input, counted from the front. */
function reducedAxes(c: RuleContext): readonly number[] {
  const rank = dimsOf(c.x()).length;
  const input = c.node.inputs[1];
  const given =
    c.node.ints("axes") ??
    (input ? (constantInts(input) ?? c.fail("its axes must be constant")) : []);
  if (given.length === 0)
    return c.node.int("noop_with_empty_axes", 0) ? [] : [...Array(rank).keys()];
  return given.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** A reduced value with its reduced axes kept as 1. */
function kept(c: RuleContext, y: Value): Value {
  const axes = reducedAxes(c);
  return c.reshape(
    y,
    dimsOf(c.x()).map((d, i) => (axes.includes(i) ? 1 : d)),
  );
}

function reducedCount(c: RuleContext): number {
  const dims = dimsOf(c.x());
  return reducedAxes(c).reduce((n, axis) => n * (dims[axis] ?? 1), 1);
}

/** Where the extremum lies; equal ones share the gradient. */
const extremum = (op: string): Rule =>
  defineRule(op, (c) => [
    () => {
      const hit = c.mask(c.op("Equal", [c.x(), kept(c, c.y())]));
      return c.mul(c.div(hit, c.sum(hit, reducedAxes(c))), kept(c, c.dy));
    },
  ]);

export const reduceRules: readonly Rule[] = [
  defineRule("ReduceSum", (c) => [() => c.expand(kept(c, c.dy), dimsOf(c.x()))]),
  defineRule("ReduceMean", (c) => [
    () => c.expand(c.scale(kept(c, c.dy), 1 / reducedCount(c)), dimsOf(c.x())),
  ]),
  // (Σx²)' = 2x
  defineRule("ReduceSumSquare", (c) => [() => c.mul(c.x(), c.scale(kept(c, c.dy), 2))]),
  // (√Σx²)' = x/√Σx²
  defineRule("ReduceL2", (c) => [() => c.mul(c.x(), c.div(kept(c, c.dy), kept(c, c.y())))]),
  extremum("ReduceMax"),
  extremum("ReduceMin"),
];
