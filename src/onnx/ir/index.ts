export {
  float,
  floats,
  int,
  ints,
  str,
  tensorAttribute,
  type Attribute,
  type Attributes,
} from "./attribute.js";
export { Value, type Dim, type Use } from "./value.js";
export { Node, type NodeInit } from "./node.js";
export {
  Graph,
  cloneGraph,
  cloneModel,
  defaultOpset,
  type CloneResult,
  type Model,
} from "./graph.js";
export { GraphBuilder } from "./builder.js";
export { meaningOf, withMeaning, type Meaning } from "./meaning.js";
export { allNodes, dependencies, subgraphs } from "./scope.js";
