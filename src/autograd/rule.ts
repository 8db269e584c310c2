import { EdgeDistillError } from "../base/index.js";
import type { GraphBuilder, Node, Value } from "../onnx/index.js";
import { Algebra } from "./algebra.js";

/** The gradient of one input, built only when it is wanted; null where there is none (shapes, indices). */
export type Gradient = (() => Value) | null;

/** What a rule sees of the node it differentiates. */
export class RuleContext extends Algebra {
  readonly node: Node;
  readonly #gradients: readonly (Value | undefined)[];

  constructor(b: GraphBuilder, node: Node, gradients: readonly (Value | undefined)[]) {
    super(b, gradients.find((g) => g !== undefined)?.dtype);
    this.node = node;
    this.#gradients = gradients;
  }

  /** Gradient of the loss by the node's first output. */
  get dy(): Value {
    return this.gradient(0) ?? this.fail("its first output has no gradient");
  }

  /** Gradient by output `index`; undefined where the loss does not depend on it. */
  gradient(index: number): Value | undefined {
    return this.#gradients[index];
  }

  x(index = 0): Value {
    return this.node.inputs[index] ?? this.fail(`input ${String(index)} is missing`);
  }

  y(index = 0): Value {
    return this.node.outputs[index] ?? this.fail(`output ${String(index)} is missing`);
  }

  /** For a form of the op that the rule does not cover. @throws AUTOGRAD_NO_RULE */
  fail(reason: string): never {
    throw noRuleError(this.node, this.b.opset, reason);
  }
}

/** How gradients pass through an op: one entry an input, in order; missing entries have none. */
export interface Rule {
  readonly op: string;
  /** "" is the default ONNX domain. */
  readonly domain: string;
  gradients(ctx: RuleContext): readonly Gradient[];
}

export function defineRule(op: string, gradients: Rule["gradients"], { domain = "" } = {}): Rule {
  return { op, domain, gradients };
}

/** AUTOGRAD_NO_RULE, naming the node. */
export function noRuleError(node: Node, opset: number, reason?: string): EdgeDistillError {
  const name = node.domain ? `${node.domain}.${node.op}` : node.op;
  return new EdgeDistillError(
    "AUTOGRAD_NO_RULE",
    `No gradient rule for ${name} (opset ${String(opset)}) at node "${node.name}"${reason === undefined ? "" : `: ${reason}`}`,
    {
      hint: "Freeze the layers up to this node, or add a rule with defineRule().",
      details: { op: node.op, domain: node.domain, node: node.name, opset },
    },
  );
}
