export { defineOp, type OpSpec } from "./spec.js";
export { type Dims, type InferContext } from "./context.js";
export { OPS, opSpec } from "./table.js";
export { ELEMENT_TYPE, elementType } from "./element-type.js";
export { createBuilder, inferNode, inferShapes, type InferenceReport } from "./infer.js";
