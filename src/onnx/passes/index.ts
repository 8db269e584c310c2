export { definePass, runPasses, type Condition, type Pass, type PassStep } from "./pass.js";
export { noDeadNodes, staticInputs, typedValues, withoutOps } from "./conditions.js";
export { verifyGraph } from "./verify.js";
export { constantOf } from "./constant.js";
export { foldBatchNorm } from "./fold-batch-norm.js";
export {
  foldConstants,
  foldConstantsBy,
  type Evaluate,
  type FoldConstantsOptions,
} from "./fold-constants.js";
export { removeIdentity } from "./remove-identity.js";
export { removeDeadNodes } from "./remove-dead-nodes.js";
export { freezeShapes, type FreezeShapesOptions } from "./freeze-shapes.js";
export { DEFAULT_FLOAT32_OPS, toFloat16, type ToFloat16Options } from "./to-float16.js";
export { BLOCKED_DOMAIN } from "./blocked/layout.js";
export { lowerToBlocked } from "./blocked/lower.js";
export { commonSubexpressions } from "./common-subexpressions.js";
