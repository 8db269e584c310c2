import { str } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import { axisOf } from "./shape.js";
import type { Value } from "../../onnx/index.js";

export const gatherRules: readonly Rule[] = [defineRule("Gather", (c) => [() => scatter(c), null])];

/** Adds each gathered slice to the place it came from; needs ScatterND's reduction, opset 16. */
function scatter(c: RuleContext): Value {
  if (c.b.opset < 16) return c.fail("scattering needs opset 16");
  const dims = dimsOf(c.x());
  const axis = axisOf(c, 0);
  const indexDims = dimsOf(c.x(1));
  const count = indexDims.reduce((n, d) => n * d, 1);
  const rest = dims.filter((_, i) => i !== axis);
  // [before…, indices…, after…] → [indices, before…, after…]
  const flat = c.reshape(c.dy, [...dims.slice(0, axis), count, ...dims.slice(axis + 1)]);
  const front = [axis, ...dims.map((_, i) => i).filter((i) => i !== axis)];
  const updates = c.transpose(flat, front);
  const empty = c.expand(c.num(0), [dims[axis] ?? 1, ...rest]);
  const indices = c.cast(c.op("Reshape", [c.x(1), c.b.i64([count, 1])]), "int64");
  const summed = c.op("ScatterND", [empty, indices, updates], { reduction: str("add") });
  return c.transpose(
    summed,
    dims.map((_, i) => front.indexOf(i)),
  );
}
