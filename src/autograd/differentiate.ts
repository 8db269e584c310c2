import { EdgeDistillError } from "../base/index.js";
import type { DType } from "../tensor/index.js";
import type { GraphBuilder, Node, Value } from "../onnx/index.js";
import { Algebra, dimsOf } from "./algebra.js";
import { compositeOf } from "./composite.js";
import { noRuleError, RuleContext, type Gradient, type Rule } from "./rule.js";
import { NON_DIFFERENTIABLE, ruleOf } from "./table.js";

const FLOATS: ReadonlySet<DType | undefined> = new Set([
  "float32",
  "float64",
  "float16",
  "bfloat16",
  undefined,
] as const);

export interface DifferentiateOptions {
  /** Values that count as constants: no gradient passes to what they were computed from. */
  stopAt?: ReadonlySet<Value>;
  /** Rules that go before the house's own, for further ops or in place of a rule. */
  rules?: readonly Rule[];
}

/**
 * Appends to the builder's graph the nodes that compute d`loss`/d`value` for each of `wrt`, in standard ONNX.
 * Reverse-mode: walks the nodes backwards once, sums what arrives at a value, undoes broadcasting.
 * @param loss a float scalar (or one element)
 * @returns gradient by value, same shape; values that the loss does not depend on are absent
 * @throws AUTOGRAD_NO_RULE for an op on the way without a rule; ONNX_SHAPE_INFERENCE when a shape on the way is not fixed
 */
export function differentiate(
  b: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  { stopAt = new Set(), rules = [] }: DifferentiateOptions = {},
): Map<Value, Value> {
  if (dimsOf(loss).some((d) => d !== 1))
    throw new EdgeDistillError(
      "TENSOR_SHAPE",
      `The loss "${loss.name}" is [${dimsOf(loss).join(", ")}], not a scalar`,
      {
        hint: "Reduce it with ReduceMean or ReduceSum first.",
        details: { value: loss.name, dims: loss.dims },
      },
    );
  const nodes = [...b.graph.nodes];
  const active = dependents(nodes, wrt, stopAt);
  const arrived = new Map<Value, Value[]>();
  const total = (value: Value): Value | undefined => {
    const parts = arrived.get(value);
    if (!parts || parts.length === 0) return undefined;
    const sum = accumulate(new Algebra(b, value.dtype), parts);
    arrived.set(value, [sum]);
    return sum;
  };
  const pass = (inputs: readonly (Value | null)[], gradients: readonly Gradient[]): void => {
    inputs.forEach((input, i) => {
      const gradient = gradients[i];
      if (!input || !gradient || !active.has(input)) return;
      const parts = arrived.get(input) ?? [];
      parts.push(unbroadcast(new Algebra(b, input.dtype), gradient(), dimsOf(input)));
      arrived.set(input, parts);
    });
  };

  if (active.has(loss)) {
    const one = new Algebra(b, loss.dtype);
    arrived.set(loss, [one.reshape(one.num(1), dimsOf(loss))]);
  }
  for (const node of nodes.reverse()) {
    const gradients = node.outputs.map((output) => {
      const composite = compositeOf(output);
      if (!composite) return total(output);
      const dy = active.has(output) ? total(output) : undefined;
      if (dy) pass(composite.inputs, composite.gradients(new Algebra(b, dy.dtype), dy));
      return undefined;
    });
    if (gradients.every((g) => g === undefined)) continue;
    if (!node.inputs.some((input) => input && active.has(input))) continue;
    const own = rules.find((r) => r.op === node.op && r.domain === node.domain);
    const rule = own ?? ruleOf(node.op, node.domain);
    if (!rule) throw noRuleError(node, b.opset);
    pass(node.inputs, rule.gradients(new RuleContext(b, node, gradients)));
  }
  const result = new Map<Value, Value>();
  for (const value of wrt) {
    const gradient = total(value);
    if (gradient) result.set(value, gradient);
  }
  return result;
}

function isBarrier(node: Node): boolean {
  return node.domain === "" && NON_DIFFERENTIABLE.has(node.op);
}

/** Every value that a gradient can pass through on its way to `wrt`. */
function dependents(
  nodes: readonly Node[],
  wrt: readonly Value[],
  stopAt: ReadonlySet<Value>,
): Set<Value> {
  const active = new Set(wrt);
  for (const node of nodes) {
    const reached = !isBarrier(node) && node.inputs.some((v) => v && active.has(v));
    for (const output of node.outputs) {
      if (stopAt.has(output)) continue;
      const composite = compositeOf(output);
      // an integer carries no gradient, save through fake quantization
      const carries = FLOATS.has(output.dtype) || node.op === "QuantizeLinear";
      if (composite ? composite.inputs.some((v) => active.has(v)) : reached && carries)
        active.add(output);
    }
  }
  return active;
}

function accumulate(a: Algebra, parts: readonly Value[]): Value {
  return parts.reduce((sum, part) => a.add(sum, part));
}

/** Sums a gradient over the axes along which its input was broadcast. */
function unbroadcast(a: Algebra, gradient: Value, dims: readonly number[]): Value {
  const from = dimsOf(gradient);
  const extra = from.length - dims.length;
  const axes = from.flatMap((d, i) => (i < extra || (d !== 1 && dims[i - extra] === 1) ? [i] : []));
  return a.reshape(a.sum(gradient, axes), dims);
}
