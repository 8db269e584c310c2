import type { Value } from "../../onnx/index.js";
import { int } from "../../onnx/index.js";
import { constantInts, dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import { transposedAlong } from "./axis-map.js";

/** Which of `length` positions lies `i` steps from the first, counted past the ends. */
const SOURCES: Readonly<Record<string, (i: number, length: number) => number>> = {
  edge: (i, length) => Math.min(Math.max(i, 0), length - 1),
  wrap: (i, length) => ((i % length) + length) % length,
  reflect: (i, length) => {
    const period = Math.max(1, 2 * (length - 1));
    const at = ((i % period) + period) % period;
    return at < length ? at : period - at;
  },
};

export const padRules: readonly Rule[] = [
  defineRule("Pad", (c) => [
    () => {
      const { before, after } = padsOf(c);
      const mode = c.node.string("mode", "constant");
      if (mode === "constant")
        return c.pad(
          c.dy,
          [...before, ...after].map((p) => -p),
        );
      const source = SOURCES[mode] ?? c.fail(`mode "${mode}"`);
      if ([...before, ...after].some((p) => p < 0)) c.fail(`mode "${mode}" with negative pads`);
      return dimsOf(c.x()).reduce((dy, length, axis) => {
        const [low, high] = [before[axis] ?? 0, after[axis] ?? 0];
        return low + high > 0 ? unpad(c, dy, { axis, length, low, high, source }) : dy;
      }, c.dy);
    },
  ]),
];

/** Pads of every axis. */
function padsOf(c: RuleContext): { before: number[]; after: number[] } {
  const dims = dimsOf(c.x());
  const given = constantInts(c.node.inputs[1]) ?? c.fail("its pads must be constant");
  const axes = constantInts(c.node.inputs[3]) ?? dims.map((_, i) => i);
  const before = dims.map(() => 0);
  const after = dims.map(() => 0);
  axes.forEach((axis, i) => {
    const at = (axis + dims.length) % dims.length;
    before[at] = given[i] ?? 0;
    after[at] = given[i + axes.length] ?? 0;
  });
  return { before, after };
}

/** The middle passes as it is; what lies on the two sides goes to where it was copied from. */
function unpad(
  c: RuleContext,
  dy: Value,
  {
    axis,
    length,
    low,
    high,
    source,
  }: {
    axis: number;
    length: number;
    low: number;
    high: number;
    source: (i: number, length: number) => number;
  },
): Value {
  const part = (start: number, end: number): Value =>
    c.slice(dy, { axes: [axis], starts: [start], ends: [end] });
  const sides = [
    ...(low > 0 ? [part(0, low)] : []),
    ...(high > 0 ? [part(low + length, low + length + high)] : []),
  ];
  const [only] = sides;
  const strips = only && sides.length === 1 ? only : c.op("Concat", sides, { axis: int(axis) });
  const taps = Array.from({ length: low + high }, (_, i) => {
    const position = i < low ? i - low : length + i - low;
    return [[source(position, length), 1]] as const;
  });
  return c.add(part(low, low + length), transposedAlong(c, strips, { axis, length, taps }));
}
