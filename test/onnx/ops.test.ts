import { describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import {
  createBuilder,
  float,
  int,
  ints,
  str,
  type Dim,
  type Value,
} from "../../src/onnx/index.js";

const f32 = (b: ReturnType<typeof createBuilder>, dims: readonly Dim[], name = "x") =>
  b.input(name, "float32", dims);

function failure(run: () => unknown): EdgeDistillError {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

describe("shape inference", () => {
  it("follows convolution, pooling and global pooling with a symbolic batch", () => {
    const b = createBuilder();
    const x = f32(b, ["N", 3, 224, 224]);
    const w = f32(b, [16, 3, 7, 7], "w");
    const conv = b.op("Conv", [x, w], { strides: ints([2, 2]), pads: ints([3, 3, 3, 3]) });
    expect(conv.dims).toEqual(["N", 16, 112, 112]);
    const [pool, indices] = b.multi(
      "MaxPool",
      [conv],
      { kernel_shape: ints([3, 3]), strides: ints([2, 2]) },
      { outputs: 2 },
    );
    expect(pool?.dims).toEqual(["N", 16, 55, 55]);
    expect(indices?.dtype).toBe("int64");
    const ceil = b.op("MaxPool", [conv], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      ceil_mode: int(1),
    });
    expect(ceil.dims).toEqual(["N", 16, 56, 56]);
    expect(b.op("GlobalAveragePool", [conv]).dims).toEqual(["N", 16, 1, 1]);
  });

  it("follows depthwise and transposed convolution", () => {
    const b = createBuilder();
    const x = f32(b, [2, 8, 10, 10]);
    expect(
      b.op("Conv", [x, f32(b, [8, 1, 3, 3])], {
        group: int(8),
        auto_pad: str("SAME_UPPER"),
        strides: ints([2, 2]),
      }).dims,
    ).toEqual([2, 8, 5, 5]);
    expect(
      b.op("ConvTranspose", [x, f32(b, [8, 4, 2, 2])], { strides: ints([2, 2]) }).dims,
    ).toEqual([2, 4, 20, 20]);
  });

  it("infers through Shape → Gather → Concat → Reshape", () => {
    const b = createBuilder();
    const x = f32(b, ["N", 16, 7, 7]);
    const shape = b.op("Shape", [x]);
    const n = b.op("Unsqueeze", [
      b.op("Gather", [shape, b.constant({ dtype: "int64", dims: [], data: BigInt64Array.of(0n) })]),
      b.i64([0]),
    ]);
    const target = b.op("Concat", [n, b.i64([-1])], { axis: int(0) });
    expect(b.op("Reshape", [x, target]).dims).toEqual(["N", 784]);
  });

  it("computes small shape arithmetic", () => {
    const b = createBuilder();
    const x = f32(b, [1, 3, 20, 30]);
    const hw = b.op("Slice", [b.op("Shape", [x]), b.i64([2]), b.i64([4])]);
    const doubled = b.op("Mul", [hw, b.i64([2])]);
    const sizes = b.op("Concat", [b.i64([1, 3]), doubled], { axis: int(0) });
    expect(b.op("Resize", [x, null, null, sizes], { mode: str("nearest") }).dims).toEqual([
      1, 3, 40, 60,
    ]);
  });

  it.each<[string, readonly Dim[], readonly Dim[], readonly Dim[]]>([
    ["numbers", [2, 1, 4], [3, 1], [2, 3, 4]],
    ["symbols", ["N", 3], [3], ["N", 3]],
    ["a symbol against 1", ["N", 1], [1, "M"], ["N", "M"]],
  ])("broadcasts %s", (_, a, c, out) => {
    const b = createBuilder();
    expect(b.op("Add", [f32(b, a), f32(b, c)]).dims).toEqual(out);
  });

  it("multiplies matrices with batches, vectors and fused transposes", () => {
    const b = createBuilder();
    const dims = (v: Value) => v.dims;
    expect(dims(b.op("MatMul", [f32(b, [5, 1, 2, 3]), f32(b, [4, 3, 6])]))).toEqual([5, 4, 2, 6]);
    expect(dims(b.op("MatMul", [f32(b, [3]), f32(b, [3, 6])]))).toEqual([6]);
    expect(
      dims(
        b.op(
          "FusedMatMul",
          [f32(b, [3, 2]), f32(b, [3, 6])],
          { transA: int(1), alpha: float(2) },
          { domain: "com.microsoft" },
        ),
      ),
    ).toEqual([2, 6]);
    expect(
      dims(b.op("Gemm", [f32(b, ["N", 3]), f32(b, [6, 3]), f32(b, [6])], { transB: int(1) })),
    ).toEqual(["N", 6]);
  });

  it("reduces by input axes since opset 13 / 18 and by attribute before", () => {
    const b17 = createBuilder({ opset: 17 });
    expect(
      b17.op("ReduceSum", [f32(b17, [2, 3, 4]), b17.i64([0, -1])], { keepdims: int(0) }).dims,
    ).toEqual([3]);
    expect(b17.op("ReduceMean", [f32(b17, [2, 3, 4])], { axes: ints([1]) }).dims).toEqual([
      2, 1, 4,
    ]);
    const b18 = createBuilder({ opset: 18 });
    expect(b18.op("ReduceMean", [f32(b18, [2, 3, 4]), b18.i64([1])]).dims).toEqual([2, 1, 4]);
    expect(
      failure(() => b18.op("ReduceMean", [f32(b18, [2, 3, 4])], { axes: ints([1]) })).code,
    ).toBe("ONNX_SHAPE_INFERENCE");
  });

  it("gives quantized tensors their type", () => {
    const b = createBuilder();
    const zero = b.constant({ dtype: "int8", dims: [], data: Int8Array.of(0) });
    const q = b.op("QuantizeLinear", [f32(b, [1, 4]), b.f32(0.1), zero]);
    expect([q.dtype, q.dims]).toEqual(["int8", [1, 4]]);
    expect(b.op("DequantizeLinear", [q, b.f32(0.1), zero]).dtype).toBe("float32");
  });

  it("clamps slices, also backwards", () => {
    const b = createBuilder();
    const x = f32(b, [10]);
    const slice = (s: number, e: number, step: number) =>
      b.op("Slice", [x, b.i64([s]), b.i64([e]), b.i64([0]), b.i64([step])]).dims;
    expect(slice(-3, 100, 1)).toEqual([3]);
    expect(slice(9, -100, -2)).toEqual([5]);
    expect(slice(100, 0, -3)).toEqual([3]);
    expect(slice(5, 2, 1)).toEqual([0]);
  });
});

describe("errors", () => {
  it("names node, op, expected and actual where shapes do not fit", () => {
    const b = createBuilder();
    const e = failure(() =>
      b.op("Conv", [f32(b, [1, 3, 8, 8]), f32(b, [4, 5, 3, 3])], {}, { name: "stem" }),
    );
    expect(e.code).toBe("ONNX_SHAPE_INFERENCE");
    expect(e.message).toContain('node "stem" (Conv, opset 17)');
    expect(e.details).toMatchObject({ node: "stem", op: "Conv", expected: 5, actual: 3 });
  });

  it.each([
    ["an op nobody knows", "Frobnicate", 17],
    ["an op of a later opset", "HardSwish", 13],
  ])("refuses %s in a builder", (_, op, opset) => {
    const b = createBuilder({ opset });
    const e = failure(() => b.op(op, [f32(b, [1])], {}, { name: "n1" }));
    expect(e.code).toBe("ONNX_SHAPE_INFERENCE");
    expect(e.message).toMatch(new RegExp(`"n1" \\(${op}, opset ${String(opset)}\\)`));
  });

  it("refuses mixed element types, impossible reshapes and foreign indices", () => {
    const b = createBuilder();
    const x = f32(b, [2, 3]);
    for (const run of [
      () => b.op("Add", [x, b.i64([1])]),
      () => b.op("Reshape", [x, b.i64([4, -1])]),
      () => b.op("Reshape", [x, b.i64([7])]),
      () => b.op("Gather", [x, b.i64([2])], { axis: int(0) }),
      () => b.op("Concat", [x, f32(b, [2, 4])], { axis: int(0) }),
      () => b.op("Add", [x, f32(b, [4])]),
    ])
      expect(failure(run).code).toBe("ONNX_SHAPE_INFERENCE");
  });
});
