export { defineOp, MICROSOFT, type OpSpec } from "./spec.js";
export { InferContext, type Dims } from "./context.js";
export { OPS, opSpec } from "./table.js";
export { ELEMENT_TYPE, elementType } from "./element-type.js";
export { createBuilder, inferNode, inferShapes, type InferenceReport } from "./infer.js";
