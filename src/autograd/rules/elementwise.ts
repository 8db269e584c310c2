import { defineRule, type Rule } from "../rule.js";

/** Arithmetic, element by element; broadcasting is undone by the walker. */
export const elementwiseRules: readonly Rule[] = [
  defineRule("Identity", ({ dy }) => [() => dy]),
  // training's dropout is not differentiated: its mask is random
  defineRule("Dropout", (c) => [() => (c.node.inputs[2] ? c.fail("training mode") : c.dy)]),
  defineRule("Cast", (c) => [() => c.cast(c.dy, c.x().dtype ?? "float32")]),
  defineRule("Add", ({ dy }) => [() => dy, () => dy]),
  defineRule("Sum", ({ dy, node }) => node.inputs.map(() => () => dy)),
  defineRule("Mean", (c) => c.node.inputs.map(() => () => c.scale(c.dy, 1 / c.node.inputs.length))),
  defineRule("Sub", (c) => [() => c.dy, () => c.neg(c.dy)]),
  defineRule("Neg", (c) => [() => c.neg(c.dy)]),
  // (xy)' = x'y + xy'
  defineRule("Mul", (c) => [() => c.mul(c.dy, c.x(1)), () => c.mul(c.dy, c.x(0))]),
  // (x/y)' = x'/y - (x/y) y'/y
  defineRule("Div", (c) => [
    () => c.div(c.dy, c.x(1)),
    () => c.neg(c.div(c.mul(c.dy, c.y()), c.x(1))),
  ]),
  // (x^p)' = p x^(p-1) x' + x^p ln(x) p'
  defineRule("Pow", (c) => [
    () => {
      const p = c.x(1).dtype === c.dtype ? c.x(1) : c.cast(c.x(1), c.dtype);
      return c.mul(c.dy, c.mul(p, c.op("Pow", [c.x(0), c.sub(p, c.num(1))])));
    },
    () => c.mul(c.dy, c.mul(c.y(), c.op("Log", [c.x(0)]))),
  ]),
  // (√x)' = 1/(2√x)
  defineRule("Sqrt", (c) => [() => c.div(c.scale(c.dy, 0.5), c.y())]),
  // (1/x)' = -1/x²
  defineRule("Reciprocal", (c) => [() => c.neg(c.mul(c.dy, c.mul(c.y(), c.y())))]),
  defineRule("Exp", (c) => [() => c.mul(c.dy, c.y())]),
  defineRule("Log", (c) => [() => c.div(c.dy, c.x())]),
  defineRule("Abs", (c) => [() => c.mul(c.dy, c.op("Sign", [c.x()]))]),
  defineRule("Sin", (c) => [() => c.mul(c.dy, c.op("Cos", [c.x()]))]),
  defineRule("Cos", (c) => [() => c.neg(c.mul(c.dy, c.op("Sin", [c.x()])))]),
  // erf' = 2/√π exp(-x²)
  defineRule("Erf", (c) => [
    () => c.mul(c.dy, c.scale(c.op("Exp", [c.neg(c.mul(c.x(), c.x()))]), 2 / Math.sqrt(Math.PI))),
  ]),
  defineRule("Where", (c) => [
    null,
    () => c.op("Where", [c.x(0), c.dy, c.num(0)]),
    () => c.op("Where", [c.x(0), c.num(0), c.dy]),
  ]),
  extremum("Max", "GreaterOrEqual"),
  extremum("Min", "LessOrEqual"),
];

/** The chosen input takes the gradient; of two equal ones, the first. */
function extremum(op: string, firstWins: string): Rule {
  return defineRule(op, (c) => {
    if (c.node.inputs.length === 1) return [() => c.dy];
    if (c.node.inputs.length !== 2) return [() => c.fail("more than two inputs")];
    return [
      () => c.mul(c.dy, c.mask(c.op(firstWins, [c.x(0), c.x(1)]))),
      () => c.mul(c.dy, c.mask(c.op("Not", [c.op(firstWins, [c.x(0), c.x(1)])]))),
    ];
  });
}
