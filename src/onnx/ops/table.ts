import { convOps } from "./conv.js";
import { elementwiseBinaryOps } from "./elementwise-binary.js";
import { elementwiseUnaryOps } from "./elementwise-unary.js";
import { generateOps } from "./generate.js";
import { indexOps } from "./index-ops.js";
import { matmulOps } from "./matmul.js";
import { movementOps } from "./movement.js";
import { normalizationOps } from "./normalization.js";
import { poolOps } from "./pool.js";
import { quantizeOps } from "./quantize.js";
import { reduceOps } from "./reduce.js";
import { reshapeOps } from "./reshape.js";
import { resizeOps } from "./resize.js";
import type { OpSpec } from "./spec.js";

/** Every operator the house knows. */
export const OPS: readonly OpSpec[] = [
  ...elementwiseUnaryOps,
  ...elementwiseBinaryOps,
  ...convOps,
  ...poolOps,
  ...normalizationOps,
  ...matmulOps,
  ...reduceOps,
  ...reshapeOps,
  ...movementOps,
  ...indexOps,
  ...resizeOps,
  ...generateOps,
  ...quantizeOps,
];

const BY_NAME = new Map(OPS.map((spec) => [`${spec.domain}:${spec.op}`, spec]));

/** The spec of an op, or undefined. `ai.onnx` is the default domain. */
export function opSpec(op: string, domain = ""): OpSpec | undefined {
  return BY_NAME.get(`${domain === "ai.onnx" ? "" : domain}:${op}`);
}
