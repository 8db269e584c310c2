import { int, type Value } from "../../onnx/index.js";
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

/** The node's own reduction of another value, reduced axes kept. */
function again(c: RuleContext, x: Value): Value {
  const attributes = { ...Object.fromEntries(c.node.attributes), keepdims: int(1) };
  return c.op(c.node.op, [x, ...c.node.inputs.slice(1)], attributes);
}

/** a / b, 0 where b is not above 0. */
export function ratio(c: RuleContext, a: Value, b: Value): Value {
  return c.op("Where", [c.op("Greater", [b, c.num(0)]), c.div(a, b), c.num(0)]);
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
  // (Σ|x|)' = sign(x)
  defineRule("ReduceL1", (c) => [() => c.mul(c.op("Sign", [c.x()]), kept(c, c.dy))]),
  // (√Σx²)' = x/√Σx²
  defineRule("ReduceL2", (c) => [() => c.mul(c.x(), ratio(c, kept(c, c.dy), kept(c, c.y())))]),
  // (ln Σx)' = 1/Σx
  defineRule("ReduceLogSum", (c) => [
    () => c.expand(c.mul(kept(c, c.dy), c.op("Exp", [c.neg(kept(c, c.y()))])), dimsOf(c.x())),
  ]),
  // (ln Σeˣ)' = exp(x - ln Σeˣ)
  defineRule("ReduceLogSumExp", (c) => [
    () => c.mul(c.op("Exp", [c.sub(c.x(), kept(c, c.y()))]), kept(c, c.dy)),
  ]),
  // product of the others: with zeros taken for ones, Πx/x where no other element is zero
  defineRule("ReduceProd", (c) => [
    () => {
      const zero = c.mask(c.op("Equal", [c.x(), c.num(0)]));
      const filled = c.add(c.x(), zero);
      const otherZeros = c.sub(c.sum(zero, reducedAxes(c)), zero);
      const alone = c.mask(c.op("Less", [otherZeros, c.num(0.5)]));
      return c.mul(c.mul(c.div(again(c, filled), filled), alone), kept(c, c.dy));
    },
  ]),
  extremum("ReduceMax"),
  extremum("ReduceMin"),
];
