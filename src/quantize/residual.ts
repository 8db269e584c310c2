import type { Graph, Node, Value } from "../onnx/index.js";

/** Element-wise ops that backends fuse into the convolution before them. */
const ACTIVATIONS: ReadonlySet<string> = new Set([
  "Relu",
  "Clip",
  "LeakyRelu",
  "Sigmoid",
  "HardSigmoid",
  "HardSwish",
  "PRelu",
  "Elu",
  "Mish",
  "Gelu",
]);

/** `x · sigmoid(x)`: the x, when a Mul is that. */
export function siluInput(mul: Node): Value | undefined {
  if (mul.op !== "Mul") return undefined;
  const [a, b] = mul.inputs;
  if (!a || !b) return undefined;
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ] as const) {
    const producer = gate.producer();
    if ((producer?.op === "Sigmoid" || producer?.op === "HardSigmoid") && producer.inputs[0] === x)
      return x;
  }
  return undefined;
}

/** `x · sigmoid(x)`. */
export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** Whether a value is read by nothing but a SiLU of itself. */
export function feedsSilu(value: Value): boolean {
  const uses = value.uses();
  return (
    uses.length === 2 &&
    uses.some((u) => siluInput(u.node) === value) &&
    uses.some((u) => u.node.op === "Sigmoid")
  );
}

/**
 * The convolution whose output, through at most one activation, is exactly this value and used nowhere else:
 * a backend fuses it with what reads the value.
 */
export function fusableConv(value: Value): { node: Node; activated: boolean } | undefined {
  if (value.uses().length !== 1) return undefined;
  const producer = value.producer();
  if (!producer) return undefined;
  if (producer.op === "Conv") return { node: producer, activated: false };
  const silu = siluInput(producer);
  const input = silu ?? (ACTIVATIONS.has(producer.op) ? producer.inputs[0] : undefined);
  const conv = input?.producer();
  if (!input || conv?.op !== "Conv" || input.uses().length !== (silu ? 2 : 1)) return undefined;
  return { node: conv, activated: true };
}

/** Convolutions on the longest way from an input to each node, the node itself counted. */
export function convDepths(graph: Graph): ReadonlyMap<Node, number> {
  const depths = new Map<Node, number>();
  for (const node of graph.nodes) {
    let depth = 0;
    for (const value of node.inputs) {
      const producer = value?.producer();
      if (producer) depth = Math.max(depth, depths.get(producer) ?? 0);
    }
    depths.set(node, depth + (node.op === "Conv" ? 1 : 0));
  }
  return depths;
}

/**
 * Input of a residual Add that comes over the shortcut. The other one is a convolution's output, which must stay as it
 * is to be fused; of two such the deeper is the main branch.
 * @returns index 0 or 1, or undefined when neither input is a convolution's, or one is constant
 */
export function shortcutInput(add: Node, depths: ReadonlyMap<Node, number>): 0 | 1 | undefined {
  const [a, b] = add.inputs;
  if (add.op !== "Add" || !a || !b || a.initializer || b.initializer) return undefined;
  const [left, right] = [fusableConv(a), fusableConv(b)];
  if (!left && !right) return undefined;
  if (!left || !right) return left ? 1 : 0;
  if (left.activated !== right.activated) return left.activated ? 0 : 1;
  return (depths.get(left.node) ?? 0) >= (depths.get(right.node) ?? 0) ? 1 : 0;
}
