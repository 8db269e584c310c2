import type { DType } from "../../tensor/index.js";
import type { InferContext } from "./context.js";
import { castTarget } from "./element-type.js";
import { defineOp, type OpSpec } from "./spec.js";

function constantInfer(ctx: InferContext): void {
  const { node } = ctx;
  const tensor = node.attributes.get("value");
  if (tensor?.type === "tensor") {
    const { dtype, dims, data } = tensor.value;
    ctx.set(0, dtype, dims);
    if (dims.length <= 1 && (dtype === "int64" || dtype === "int32" || dtype === "float32"))
      ctx.setKnown(
        data.length <= 64 ? Array.from(data as ArrayLike<number | bigint>, Number) : undefined,
      );
    return;
  }
  const known = (dtype: DType, dims: number[], values: readonly number[]): void => {
    ctx.set(0, dtype, dims);
    ctx.setKnown(values);
  };
  for (const [name, dtype] of [
    ["value_int", "int64"],
    ["value_float", "float32"],
    ["value_ints", "int64"],
    ["value_floats", "float32"],
  ] as const) {
    const a = node.attributes.get(name);
    if (a?.type === "int" || a?.type === "float") known(dtype, [], [a.value]);
    else if (a?.type === "ints" || a?.type === "floats") known(dtype, [a.value.length], a.value);
    else continue;
    return;
  }
  if (node.attributes.has("value_string")) ctx.set(0, "string", []);
  else if (node.attributes.has("value_strings")) ctx.set(0, "string", [ctx.fresh(0)]);
  else ctx.fail("a Constant without a value");
}

function rangeInfer(ctx: InferContext): void {
  const [start] = ctx.known(0) ?? [];
  const [limit] = ctx.known(1) ?? [];
  const [delta] = ctx.known(2) ?? [];
  const dtype = ctx.sameDtype(0, 1, 2);
  if (start === 0 && delta === 1 && typeof limit === "string") {
    ctx.set(0, dtype, [limit]);
    return;
  }
  if (typeof start !== "number" || typeof limit !== "number" || typeof delta !== "number") {
    ctx.set(0, dtype, [ctx.fresh(0)]);
    return;
  }
  const n = Math.max(0, Math.ceil((limit - start) / delta));
  ctx.set(0, dtype, [n]);
  if (n <= 64) ctx.setKnown(Array.from({ length: n }, (_, i) => start + i * delta));
}

function random(op: string, { like }: { like: boolean }): OpSpec {
  return defineOp({
    op,
    sinceOpset: 1,
    infer: (node, ctx) => {
      const dtype = node.attributes.has("dtype")
        ? castTarget(ctx, "dtype")
        : like
          ? ctx.dtype(0)
          : "float32";
      ctx.set(0, dtype, like ? ctx.dims(0) : node.ints("shape"));
    },
  });
}

/** Ops that make tensors, read shapes, or change the element type. */
export const generateOps: readonly OpSpec[] = [
  defineOp({
    op: "Constant",
    sinceOpset: 1,
    infer: (_, ctx) => {
      constantInfer(ctx);
    },
  }),
  defineOp({
    op: "ConstantOfShape",
    sinceOpset: 9,
    infer: (node, ctx) => {
      const value = node.attributes.get("value");
      const content = value?.type === "tensor" ? value.value : undefined;
      const dims = ctx.known(0);
      const [rank] = ctx.dims(0) ?? [];
      ctx.set(
        0,
        content?.dtype ?? "float32",
        dims?.map((d, i) => d ?? ctx.fresh(i)) ??
          (typeof rank === "number"
            ? Array.from({ length: rank }, (_, i) => ctx.fresh(i))
            : undefined),
      );
      const fill = content && content.dtype !== "string" ? Number(content.data[0] ?? 0) : 0;
      const length = dims?.length === 1 ? dims[0] : undefined;
      if (typeof length === "number" && length <= 64)
        ctx.setKnown(Array.from({ length }, () => fill));
    },
  }),
  defineOp({
    op: "Shape",
    sinceOpset: 1,
    infer: (node, ctx) => {
      const x = ctx.dims(0);
      const part = x?.slice(
        node.int("start", 0),
        node.attributes.has("end") ? node.int("end", 0) : undefined,
      );
      ctx.set(0, "int64", [part?.length ?? ctx.fresh(0)]);
      ctx.setKnown(part);
    },
  }),
  defineOp({
    op: "Size",
    sinceOpset: 1,
    infer: (_, ctx) => {
      ctx.set(0, "int64", []);
      const dims = ctx.input(0).staticDims();
      if (dims) ctx.setKnown([dims.reduce((a, b) => a * b, 1)]);
    },
  }),
  defineOp({
    op: "Range",
    sinceOpset: 11,
    infer: (_, ctx) => {
      rangeInfer(ctx);
    },
  }),
  defineOp({
    op: "Cast",
    sinceOpset: 6,
    infer: (_, ctx) => {
      const dtype = castTarget(ctx, "to");
      ctx.set(0, dtype, ctx.dims(0));
      const integer = !dtype.startsWith("float");
      ctx.setKnown(
        ctx
          .known(0)
          ?.map((e) =>
            typeof e !== "number"
              ? e
              : dtype === "bool"
                ? Number(e !== 0)
                : integer
                  ? Math.trunc(e)
                  : e,
          ),
      );
    },
  }),
  defineOp({
    op: "CastLike",
    sinceOpset: 15,
    infer: (_, ctx) => {
      ctx.set(0, ctx.dtype(1), ctx.dims(0));
    },
  }),
  defineOp({
    op: "EyeLike",
    sinceOpset: 9,
    infer: (node, ctx) => {
      ctx.set(
        0,
        node.attributes.has("dtype") ? castTarget(ctx, "dtype") : ctx.dtype(0),
        ctx.dims(0),
      );
    },
  }),
  random("RandomNormal", { like: false }),
  random("RandomUniform", { like: false }),
  random("RandomNormalLike", { like: true }),
  random("RandomUniformLike", { like: true }),
];
