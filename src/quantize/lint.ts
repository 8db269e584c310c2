import { cloneModel, inferShapes, type Graph, type Model, type Node } from "../onnx/index.js";

/** A rule that a quantized graph breaks, and where. */
export interface LintIssue {
  /** Id of the rule; see {@link LintRule}. */
  readonly rule: string;
  /** Name of the node. */
  readonly node: string;
  readonly op: string;
  readonly message: string;
}

/** One thing that a backend asks of a quantized graph. */
export interface LintRule {
  readonly id: string;
  /** What is wrong with a node, if anything. */
  check(node: Node, graph: Graph): string | undefined;
}

export function defineLintRule(rule: LintRule): LintRule {
  return rule;
}

/** Checks every node of a model against every rule. */
export function lintModel(model: Model, rules: readonly LintRule[]): LintIssue[] {
  const typed = cloneModel(model);
  inferShapes(typed);
  const { graph } = typed;
  const issues: LintIssue[] = [];
  for (const node of graph.nodes)
    for (const rule of rules) {
      const message = rule.check(node, graph);
      if (message !== undefined)
        issues.push({ rule: rule.id, node: node.name, op: node.op, message });
    }
  return issues;
}
