import type { DType } from "../../tensor/index.js";
import { sameAsInput } from "./elementwise-unary.js";
import { convDims } from "./conv.js";
import { defineOp, MICROSOFT, type OpSpec } from "./spec.js";

function quantizeLinear(domain: string, sinceOpset: number): OpSpec {
  return defineOp({
    op: "QuantizeLinear",
    domain,
    sinceOpset,
    infer: (_, ctx) => {
      ctx.set(0, ctx.has(2) ? ctx.dtype(2) : "uint8", ctx.dims(0));
      checkScale(ctx);
    },
  });
}

function dequantizeLinear(domain: string, sinceOpset: number): OpSpec {
  return defineOp({
    op: "DequantizeLinear",
    domain,
    sinceOpset,
    infer: (_, ctx) => {
      if (ctx.has(2)) ctx.sameDtype(0, 2);
      ctx.set(0, ctx.dtype(1), ctx.dims(0));
      checkScale(ctx);
    },
  });
}

/** A vector scale has one entry per index of the axis. */
function checkScale(ctx: Parameters<OpSpec["infer"]>[1]): void {
  const x = ctx.dims(0);
  const scale = ctx.dims(1);
  if (!x || scale?.length !== 1) return;
  const [length] = scale;
  if (length === 1 || x.length === 0) return;
  ctx.sameDim(
    x[ctx.axis(ctx.node.int("axis", 1), x.length)],
    length,
    "length of the scale against the axis",
  );
}

const INTEGER_ELEMENTWISE = ["QLinearAdd", "QLinearMul"];
const INTEGER_UNARY = ["QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"];

/** Quantization: between real and integer tensors, and ONNX Runtime's integer kernels. */
export const quantizeOps: readonly OpSpec[] = [
  quantizeLinear("", 10),
  quantizeLinear(MICROSOFT, 1),
  dequantizeLinear("", 10),
  dequantizeLinear(MICROSOFT, 1),
  defineOp({
    op: "DynamicQuantizeLinear",
    sinceOpset: 11,
    infer: (_, ctx) => {
      ctx.set(0, "uint8", ctx.dims(0));
      ctx.set(1, "float32", []);
      ctx.set(2, "uint8", []);
    },
  }),
  ...INTEGER_ELEMENTWISE.map((op) =>
    defineOp({
      op,
      domain: MICROSOFT,
      sinceOpset: 1,
      infer: (_, ctx) => {
        ctx.set(0, ctx.dtype(0), ctx.broadcast(0, 3));
      },
    }),
  ),
  ...INTEGER_UNARY.map((op) => sameAsInput(op, 1, { domain: MICROSOFT })),
  defineOp({
    op: "QLinearGlobalAveragePool",
    domain: MICROSOFT,
    sinceOpset: 1,
    infer: (node, ctx) => {
      const last = node.int("channels_last", 0) === 1;
      const x = ctx.dims(0);
      ctx.set(
        0,
        ctx.dtype(0),
        x && x.map((d, i) => (i === 0 || i === (last ? x.length - 1 : 1) ? d : 1)),
      );
    },
  }),
  defineOp({
    op: "QLinearConv",
    domain: MICROSOFT,
    sinceOpset: 1,
    infer: (_, ctx) => {
      if (ctx.node.int("channels_last", 0) === 1) return;
      ctx.set(0, ctx.dtype(7) satisfies DType | undefined, convDims(ctx, ctx.dims(0), ctx.dims(3)));
    },
  }),
];
