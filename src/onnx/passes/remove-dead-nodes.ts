import { subgraphs, type Graph, type Model } from "../ir/index.js";
import { noDeadNodes } from "./conditions.js";
import { definePass } from "./pass.js";

/** Removes nodes and initializers that no output depends on, in subgraphs too. */
export const removeDeadNodes = definePass({
  name: "removeDeadNodes",
  ensures: [noDeadNodes],
  run: ({ graph }: Model) => {
    sweep(graph);
  },
});

function sweep(graph: Graph): void {
  // inside first: what a branch no longer reads may be dead outside
  for (const node of graph.nodes) subgraphs(node).forEach(sweep);
  graph.removeDeadNodes();
}
