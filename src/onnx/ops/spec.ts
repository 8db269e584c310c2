import type { Node } from "../ir/index.js";
import type { InferContext } from "./context.js";

/** What the house knows of an operator. */
export interface OpSpec {
  readonly op: string;
  /** "" is the default ONNX domain. */
  readonly domain: string;
  /** First opset version in which the op exists in this form. */
  readonly sinceOpset: number;
  /** Sets dtype and dims of the node's outputs. @throws ONNX_SHAPE_INFERENCE */
  infer(node: Node, ctx: InferContext): void;
}

export function defineOp({
  op,
  domain = "",
  sinceOpset,
  infer,
}: Omit<OpSpec, "domain"> & { domain?: string }): OpSpec {
  return { op, domain, sinceOpset, infer };
}

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = "com.microsoft";
