import { allNodes, type Model } from "../ir/index.js";
import type { Condition } from "./pass.js";

/** Every value of the outer graph has a known element type. */
export const typedValues: Condition = {
  name: "every value has an element type",
  violation: ({ graph }: Model) => {
    for (const node of graph.nodes)
      for (const output of node.outputs)
        if (output.name !== "" && output.dtype === undefined)
          return `the output "${output.name}" of node "${node.name}" (${node.op}) has none`;
    const input = graph.inputs.find((v) => v.dtype === undefined);
    return input && `the input "${input.name}" has none`;
  },
};

/** Every graph input has only numbers for dimensions. */
export const staticInputs: Condition = {
  name: "every input has a fixed shape",
  violation: ({ graph }: Model) => {
    const open = graph.inputs.find((v) => !v.staticDims());
    return open && `the input "${open.name}" has [${String(open.dims)}]`;
  },
};

/** No node that nothing reads. */
export const noDeadNodes: Condition = {
  name: "every node is read",
  violation: ({ graph }: Model) => {
    const dead = graph.nodes.find((n) =>
      n.outputs.every((v) => v.uses().length === 0 && !graph.outputs.includes(v)),
    );
    return dead && `nothing reads node "${dead.name}" (${dead.op})`;
  },
};

/** None of these ops occurs, in subgraphs neither. */
export function withoutOps(...ops: readonly string[]): Condition {
  return {
    name: `no ${ops.join(", ")}`,
    violation: ({ graph }: Model) => {
      for (const node of allNodes(graph))
        if (ops.includes(node.op)) return `node "${node.name}" is a ${node.op}`;
      return undefined;
    },
  };
}
