import type { DType } from "../../tensor/index.js";
import { defineOp, MICROSOFT, type OpSpec } from "./spec.js";

/** Same shape as input 0; same dtype, or a fixed one. */
export function sameAsInput(
  op: string,
  sinceOpset = 1,
  { dtype, domain = "" }: { dtype?: DType; domain?: string } = {},
): OpSpec {
  return defineOp({
    op,
    domain,
    sinceOpset,
    infer: (_, ctx) => {
      ctx.set(0, dtype ?? ctx.dtype(0), ctx.dims(0));
    },
  });
}

/** `f` applied to small known contents too, so that shape arithmetic is followed. */
function followed(op: string, f: (x: number) => number): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(0), ctx.dims(0));
      const single = ctx.dtype(0) === "float32";
      ctx.setKnown(
        ctx.known(0)?.map((e) => {
          if (typeof e !== "number") return undefined;
          return single ? Math.fround(f(e)) : f(e);
        }),
      );
    },
  });
}

/** Elementwise functions of one tensor. */
export const elementwiseUnaryOps: readonly OpSpec[] = [
  followed("Abs", Math.abs),
  followed("Ceil", Math.ceil),
  followed("Floor", Math.floor),
  followed("Neg", (x) => -x),
  followed("Sqrt", Math.sqrt),
  ...["Exp", "Log", "Reciprocal", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan"].map((op) =>
    sameAsInput(op),
  ),
  ...["Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Sign", "Erf"].map((op) => sameAsInput(op, 9)),
  sameAsInput("Round", 11),
  sameAsInput("BitwiseNot", 18),
  sameAsInput("Not", 1, { dtype: "bool" }),
  sameAsInput("IsNaN", 9, { dtype: "bool" }),
  sameAsInput("IsInf", 10, { dtype: "bool" }),
  ...[
    "Relu",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Sigmoid",
    "HardSigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
  ].map((op) => sameAsInput(op)),
  sameAsInput("ThresholdedRelu", 10),
  sameAsInput("Celu", 12),
  sameAsInput("HardSwish", 14),
  sameAsInput("Mish", 18),
  sameAsInput("Gelu", 20),
  sameAsInput("Clip"),
  sameAsInput("Shrink", 9),
  sameAsInput("CumSum", 11),
  sameAsInput("Softmax"),
  sameAsInput("LogSoftmax"),
  sameAsInput("Hardmax"),
  sameAsInput("Trilu", 14),
  sameAsInput("Gelu", 1, { domain: MICROSOFT }),
  sameAsInput("QuickGelu", 1, { domain: MICROSOFT }),
  sameAsInput("BiasGelu", 1, { domain: MICROSOFT }),
];
