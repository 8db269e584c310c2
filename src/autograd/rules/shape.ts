import { int, type Value } from "../../onnx/index.js";
import { constantInts, dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/** The gradient in the shape of the input. */
const back = (op: string): Rule => defineRule(op, (c) => [() => c.reshape(c.dy, dimsOf(c.x()))]);

/** `axis` counted from the front. */
export function axisOf(c: RuleContext, fallback: number): number {
  const axis = c.node.int("axis", fallback);
  return axis < 0 ? axis + dimsOf(c.x()).length : axis;
}

/** Ops that move elements without computing. */
export const shapeRules: readonly Rule[] = [
  back("Reshape"),
  back("Flatten"),
  back("Squeeze"),
  back("Unsqueeze"),
  // the walker sums over what was repeated
  defineRule("Expand", ({ dy }) => [() => dy]),
  defineRule("Transpose", (c) => {
    const rank = dimsOf(c.x()).length;
    const perm = c.node.ints("perm") ?? [...Array(rank).keys()].reverse();
    return [
      () =>
        c.transpose(
          c.dy,
          [...Array(rank).keys()].map((axis) => perm.indexOf(axis)),
        ),
    ];
  }),
  defineRule("Concat", (c) => {
    const axis = axisOf(c, 0);
    const sizes = c.node.inputs.map((v) => (v ? (dimsOf(v)[axis] ?? 0) : 0));
    let parts: readonly Value[] | undefined;
    return sizes.map((_, i) => () => {
      parts ??= split(c, c.dy, axis, sizes);
      return parts[i] ?? c.fail("an input is missing");
    });
  }),
  // outputs that the loss does not use contribute zeros
  defineRule("Split", (c) => {
    const axis = axisOf(c, 0);
    const parts = c.node.outputs.map((y, i) => c.gradient(i) ?? c.expand(c.num(0), dimsOf(y)));
    return [
      () =>
        parts.length === 1
          ? c.reshape(c.dy, dimsOf(c.x()))
          : c.op("Concat", parts, { axis: int(axis) }),
    ];
  }),
  defineRule("Slice", (c) => [() => unslice(c)]),
];

/** Cuts `x` along `axis` into consecutive parts. */
export function split(
  c: RuleContext,
  x: Value,
  axis: number,
  sizes: readonly number[],
): readonly Value[] {
  if (sizes.length === 1) return [x];
  const outputs = sizes.length;
  const name = "grad/Split";
  return c.b.multi("Split", [x, c.b.i64(sizes)], { axis: int(axis) }, { name, outputs });
}

/** Puts a slice's gradient back between zeros; steps other than 1 are undone by reversing and spacing out. */
function unslice(c: RuleContext): Value {
  const dims = dimsOf(c.x());
  const ints = (i: number): readonly number[] | undefined =>
    c.node.inputs[i]
      ? (constantInts(c.node.inputs[i]) ?? c.fail("starts, ends, axes and steps must be constant"))
      : undefined;
  const starts = ints(1) ?? c.fail("it has no starts");
  const axes = ints(3) ?? starts.map((_, i) => i);
  const steps = ints(4) ?? starts.map(() => 1);
  let dx = c.dy;
  const before = dims.map(() => 0);
  const after = dims.map(() => 0);
  starts.forEach((start, i) => {
    const axis = ((axes[i] ?? 0) + dims.length) % dims.length;
    const step = steps[i] ?? 1;
    const length = dims[axis] ?? 1;
    const count = dimsOf(dx)[axis] ?? 0;
    if (count === 0) return;
    const from = start < 0 ? start + length : start;
    // where the walk starts, clamped as the op does
    const first =
      step > 0 ? Math.min(Math.max(from, 0), length) : Math.min(Math.max(from, 0), length - 1);
    const stride = Math.abs(step);
    if (step < 0) dx = c.slice(dx, { axes: [axis], starts: [-1], ends: [-(2 ** 31)], steps: [-1] });
    if (stride > 1) dx = spaceOut(c, dx, axis, stride);
    const low = step > 0 ? first : first - (count - 1) * stride;
    before[axis] = low;
    after[axis] = length - low - (dimsOf(dx)[axis] ?? 0);
  });
  return c.pad(dx, [...before, ...after]);
}

/** Follows every element along `axis` with `stride - 1` zeros. */
function spaceOut(c: RuleContext, x: Value, axis: number, stride: number): Value {
  const dims = dimsOf(x);
  const head = dims.slice(0, axis + 1);
  const tail = dims.slice(axis + 1);
  const apart = c.reshape(x, [...head, 1, ...tail]);
  const pads = Array.from({ length: 2 * (dims.length + 1) }, (_, i) =>
    i === dims.length + 1 + axis + 1 ? stride - 1 : 0,
  );
  return c.reshape(
    c.pad(apart, pads),
    dims.map((d, i) => (i === axis ? d * stride : d)),
  );
}
