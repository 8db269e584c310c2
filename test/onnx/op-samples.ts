import { createRng } from "../../src/base/index.js";
import {
  float,
  floats,
  int,
  ints,
  str,
  tensorAttribute,
  type Attributes,
  type GraphBuilder,
  type Value,
} from "../../src/onnx/index.js";
import { elementCount, float32, zeros, type NumericDType } from "../../src/tensor/index.js";

/** Writes one node of the op and gives its outputs. */
type Sample = (b: GraphBuilder) => Value | readonly Value[];

const rng = createRng("op samples");

/** A seeded constant of the shape, in [0.1, 0.9]. */
const t = (b: GraphBuilder, ...dims: number[]): Value =>
  b.initializer(
    "t",
    float32(
      dims,
      Float32Array.from({ length: elementCount(dims) }, () => rng.uniform(0.1, 0.9)),
    ),
  );

const of = (
  b: GraphBuilder,
  dtype: NumericDType,
  dims: readonly number[],
  values: readonly number[] = [],
): Value => {
  const content = zeros<NumericDType>(dtype, dims);
  values.forEach((v, i) => {
    content.data[i] = dtype === "int64" ? BigInt(v) : v;
  });
  return b.initializer(dtype, content);
};

const unary =
  (op: string, attributes: Attributes = {}, dtype: NumericDType = "float32", domain = ""): Sample =>
  (b) =>
    b.op(op, [dtype === "float32" ? t(b, 2, 3, 4) : of(b, dtype, [2, 3, 4])], attributes, {
      domain,
    });

const binary =
  (op: string, dtype: NumericDType = "float32"): Sample =>
  (b) =>
    dtype === "float32"
      ? b.op(op, [t(b, 2, 1, 4), t(b, 3, 1)])
      : b.op(op, [of(b, dtype, [2, 1, 4]), of(b, dtype, [3, 1])]);

const reduce =
  (op: string): Sample =>
  (b) =>
    b.op(op, [t(b, 2, 3, 4)], { axes: ints([-1, 0]), keepdims: int(0) });

const MS = "com.microsoft";
const each = (ops: string, sample: (op: string) => Sample): [string, Sample][] =>
  ops.split(" ").map((op) => [op, sample(op)]);
const spatial = { kernel_shape: ints([3, 2]), strides: ints([2, 1]), pads: ints([1, 0, 1, 1]) };
const quantized = (b: GraphBuilder, dtype: "uint8" | "int8", ...dims: number[]) =>
  [of(b, dtype, dims), b.f32(0.1), of(b, dtype, [])] as const;

/** One sample per op of the table, by `domain:op`; several where an op has several forms. */
export const SAMPLES: readonly [string, Sample][] = [
  ...each(
    "Abs Ceil Floor Neg Sqrt Exp Log Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Atanh Sign Erf Round Relu LeakyRelu Elu Selu Sigmoid HardSigmoid Softplus Softsign Tanh ThresholdedRelu Celu HardSwish Clip Shrink Softmax LogSoftmax Hardmax IsNaN IsInf",
    (op) => unary(op),
  ),
  ["Acosh", unary("Acosh")],
  ["Mish", unary("Mish")],
  ["Gelu", unary("Gelu")],
  ["Not", unary("Not", {}, "bool")],
  ["BitwiseNot", unary("BitwiseNot", {}, "int32")],
  ["Trilu", unary("Trilu")],
  [
    "CumSum",
    (b) =>
      b.op("CumSum", [
        t(b, 2, 3),
        b.constant({ dtype: "int64", dims: [], data: BigInt64Array.of(1n) }),
      ]),
  ],
  [`${MS}:Gelu`, unary("Gelu", {}, "float32", MS)],
  [`${MS}:QuickGelu`, unary("QuickGelu", {}, "float32", MS)],
  [`${MS}:BiasGelu`, (b) => b.op("BiasGelu", [t(b, 2, 3), t(b, 3)], {}, { domain: MS })],

  ...each(
    "Add Sub Mul Div Pow Sum Mean Min Max Equal Less Greater LessOrEqual GreaterOrEqual",
    (op) => binary(op),
  ),
  ["Mod", (b) => b.op("Mod", [of(b, "int32", [2, 3]), of(b, "int32", [3], [1, 2, 3])])],
  ["Mod", (b) => b.op("Mod", [t(b, 2), t(b, 2)], { fmod: int(1) })],
  ...each("And Or Xor", (op) => binary(op, "bool")),
  ...each("BitwiseAnd BitwiseOr BitwiseXor", (op) => binary(op, "int32")),
  [
    "BitShift",
    (b) =>
      b.op("BitShift", [of(b, "uint32", [2]), of(b, "uint32", [2])], { direction: str("LEFT") }),
  ],
  ["PRelu", (b) => b.op("PRelu", [t(b, 2, 3, 4), t(b, 3, 1)])],
  ["Where", (b) => b.op("Where", [of(b, "bool", [2, 1]), t(b, 3), b.f32(1)])],

  [
    "Conv",
    (b) =>
      b.op("Conv", [t(b, 2, 4, 9, 8), t(b, 6, 2, 3, 2), t(b, 6)], {
        ...spatial,
        group: int(2),
        dilations: ints([2, 1]),
      }),
  ],
  [
    "Conv",
    (b) =>
      b.op("Conv", [t(b, 1, 2, 9, 8), t(b, 3, 2, 3, 3)], {
        auto_pad: str("SAME_LOWER"),
        strides: ints([2, 3]),
      }),
  ],
  [
    "Conv",
    (b) =>
      b.op("Conv", [t(b, 1, 2, 9), t(b, 3, 2, 3)], { auto_pad: str("VALID"), strides: ints([2]) }),
  ],
  [
    "ConvTranspose",
    (b) =>
      b.op("ConvTranspose", [t(b, 2, 4, 5, 6), t(b, 4, 3, 3, 2), t(b, 6)], {
        strides: ints([2, 3]),
        pads: ints([1, 0, 0, 1]),
        output_padding: ints([1, 2]),
        group: int(2),
      }),
  ],
  [
    "ConvTranspose",
    (b) =>
      b.op("ConvTranspose", [t(b, 1, 4, 5, 6), t(b, 4, 3, 3, 3)], {
        strides: ints([2, 2]),
        output_shape: ints([10, 12]),
      }),
  ],
  [
    "ConvTranspose",
    (b) =>
      b.op("ConvTranspose", [t(b, 1, 4, 5, 6), t(b, 4, 3, 3, 3)], {
        strides: ints([2, 2]),
        auto_pad: str("SAME_UPPER"),
      }),
  ],
  [
    `${MS}:FusedConv`,
    (b) =>
      b.op(
        "FusedConv",
        [t(b, 1, 2, 5, 5), t(b, 3, 2, 3, 3)],
        { activation: str("Relu") },
        { domain: MS },
      ),
  ],
  [
    "ConvInteger",
    (b) => b.op("ConvInteger", [of(b, "uint8", [1, 2, 5, 5]), of(b, "uint8", [3, 2, 3, 3])]),
  ],
  [
    "QLinearConv",
    (b) =>
      b.op(
        "QLinearConv",
        [
          ...quantized(b, "uint8", 1, 2, 5, 5),
          ...quantized(b, "int8", 3, 2, 3, 3),
          b.f32(0.1),
          of(b, "uint8", []),
        ],
        { pads: ints([1, 1, 1, 1]) },
      ),
  ],

  [
    "MaxPool",
    (b) =>
      b.multi("MaxPool", [t(b, 2, 3, 9, 8)], { ...spatial, ceil_mode: int(1) }, { outputs: 2 }),
  ],
  [
    "MaxPool",
    (b) =>
      b.op("MaxPool", [t(b, 1, 1, 3, 3)], {
        kernel_shape: ints([2, 2]),
        strides: ints([3, 3]),
        ceil_mode: int(1),
        pads: ints([0, 0, 1, 1]),
      }),
  ],
  [
    "AveragePool",
    (b) => b.op("AveragePool", [t(b, 2, 3, 9, 8)], { ...spatial, ceil_mode: int(1) }),
  ],
  ["LpPool", (b) => b.op("LpPool", [t(b, 2, 3, 9, 8)], spatial)],
  ...each(
    "GlobalAveragePool GlobalMaxPool GlobalLpPool",
    (op) => (b) => b.op(op, [t(b, 2, 3, 4, 5)]),
  ),

  [
    "BatchNormalization",
    (b) => b.op("BatchNormalization", [t(b, 2, 3, 4), t(b, 3), t(b, 3), t(b, 3), t(b, 3)]),
  ],
  [
    "BatchNormalization",
    (b) =>
      b.multi(
        "BatchNormalization",
        [t(b, 2, 3, 4), t(b, 3), t(b, 3), t(b, 3), t(b, 3)],
        { training_mode: int(1) },
        { outputs: 3 },
      ),
  ],
  [
    "InstanceNormalization",
    (b) => b.op("InstanceNormalization", [t(b, 2, 3, 4, 4), t(b, 3), t(b, 3)]),
  ],
  [
    "LayerNormalization",
    (b) =>
      b.multi(
        "LayerNormalization",
        [t(b, 2, 3, 4), t(b, 3, 4), t(b, 3, 4)],
        { axis: int(1) },
        { outputs: 3 },
      ),
  ],
  [
    "GroupNormalization",
    (b) => b.op("GroupNormalization", [t(b, 2, 4, 3), t(b, 2), t(b, 2)], { num_groups: int(2) }),
  ],
  ["LRN", (b) => b.op("LRN", [t(b, 2, 3, 4, 4)], { size: int(3) })],
  ["LpNormalization", unary("LpNormalization")],
  ["MeanVarianceNormalization", (b) => b.op("MeanVarianceNormalization", [t(b, 2, 3, 4, 4)])],

  ["MatMul", (b) => b.op("MatMul", [t(b, 5, 1, 2, 3), t(b, 4, 3, 6)])],
  ["MatMul", (b) => b.op("MatMul", [t(b, 3), t(b, 4, 3, 6)])],
  ["MatMul", (b) => b.op("MatMul", [t(b, 4, 2, 3), t(b, 3)])],
  [
    `${MS}:FusedMatMul`,
    (b) =>
      b.op(
        "FusedMatMul",
        [t(b, 4, 3, 2), t(b, 4, 6, 3)],
        { transA: int(1), transB: int(1) },
        { domain: MS },
      ),
  ],
  [
    `${MS}:FusedMatMul`,
    (b) =>
      b.op("FusedMatMul", [t(b, 2, 4, 3), t(b, 4, 3, 6)], { transBatchA: int(1) }, { domain: MS }),
  ],
  [
    "Gemm",
    (b) => b.op("Gemm", [t(b, 3, 2), t(b, 4, 3), t(b, 4)], { transA: int(1), transB: int(1) }),
  ],
  ["MatMulInteger", (b) => b.op("MatMulInteger", [of(b, "uint8", [2, 3]), of(b, "int8", [3, 4])])],
  [
    "QLinearMatMul",
    (b) =>
      b.op("QLinearMatMul", [
        ...quantized(b, "uint8", 2, 3),
        ...quantized(b, "int8", 3, 4),
        b.f32(0.1),
        of(b, "uint8", []),
      ]),
  ],
  [
    "Einsum",
    (b) => b.op("Einsum", [t(b, 2, 3, 4), t(b, 2, 4, 5)], { equation: str("bij, bjk -> bik") }),
  ],
  ["Einsum", (b) => b.op("Einsum", [t(b, 3, 3)], { equation: str("ii") })],

  ["ReduceSum", (b) => b.op("ReduceSum", [t(b, 2, 3, 4), b.i64([-1, 0])], { keepdims: int(0) })],
  ["ReduceSum", (b) => b.op("ReduceSum", [t(b, 2, 3, 4)])],
  ["ReduceSum", (b) => b.op("ReduceSum", [t(b, 2, 3, 4)], { noop_with_empty_axes: int(1) })],
  ...each(
    "ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare",
    reduce,
  ),
  ...each(
    "ArgMax ArgMin",
    (op) => (b) => b.op(op, [t(b, 2, 3, 4)], { axis: int(-2), keepdims: int(0) }),
  ),

  ["Reshape", (b) => b.op("Reshape", [t(b, 2, 3, 4), b.i64([0, -1])])],
  ["Flatten", (b) => b.op("Flatten", [t(b, 2, 3, 4)], { axis: int(-1) })],
  ["Flatten", (b) => b.op("Flatten", [t(b, 2, 3)], { axis: int(2) })],
  ["Squeeze", (b) => b.op("Squeeze", [t(b, 1, 3, 1), b.i64([-1])])],
  ["Squeeze", (b) => b.op("Squeeze", [t(b, 1, 3, 1)])],
  ["Unsqueeze", (b) => b.op("Unsqueeze", [t(b, 2, 3), b.i64([-1, 0])])],
  ["Identity", unary("Identity")],
  ["Dropout", (b) => b.multi("Dropout", [t(b, 2, 3)], {}, { outputs: 2 })],

  ["Transpose", (b) => b.op("Transpose", [t(b, 2, 3, 4)], { perm: ints([2, 0, 1]) })],
  ["Transpose", (b) => b.op("Transpose", [t(b, 2, 3, 4)])],
  ["Concat", (b) => b.op("Concat", [t(b, 2, 3), t(b, 2, 1)], { axis: int(-1) })],
  ["Split", (b) => b.multi("Split", [t(b, 2, 7), b.i64([3, 4])], { axis: int(1) }, { outputs: 2 })],
  ["Split", (b) => b.multi("Split", [t(b, 6)], {}, { outputs: 3 })],
  [
    "Slice",
    (b) =>
      b.op("Slice", [
        t(b, 5, 6, 7),
        b.i64([-3, 100, 1]),
        b.i64([100, -100, 2]),
        b.i64([0, 2, 1]),
        b.i64([2, -3, 1]),
      ]),
  ],
  ["Pad", (b) => b.op("Pad", [t(b, 2, 3), b.i64([0, 1, 2, -1])])],
  ["Tile", (b) => b.op("Tile", [t(b, 2, 3), b.i64([1, 4])])],
  ["Expand", (b) => b.op("Expand", [t(b, 3, 1), b.i64([2, 1, 4])])],
  ["DepthToSpace", (b) => b.op("DepthToSpace", [t(b, 1, 8, 2, 3)], { blocksize: int(2) })],
  ["SpaceToDepth", (b) => b.op("SpaceToDepth", [t(b, 1, 2, 4, 6)], { blocksize: int(2) })],
  ["ReverseSequence", (b) => b.op("ReverseSequence", [t(b, 3, 2), b.i64([1, 3])])],

  [
    "Gather",
    (b) => b.op("Gather", [t(b, 2, 3, 4), of(b, "int64", [2, 2], [0, 1, 2, -1])], { axis: int(1) }),
  ],
  [
    "GatherElements",
    (b) => b.op("GatherElements", [t(b, 2, 3), of(b, "int64", [1, 3], [0, 1, 0])]),
  ],
  ["GatherND", (b) => b.op("GatherND", [t(b, 2, 3, 4), of(b, "int64", [5, 2])])],
  [
    "GatherND",
    (b) => b.op("GatherND", [t(b, 2, 3, 4), of(b, "int64", [2, 1])], { batch_dims: int(1) }),
  ],
  [
    "ScatterElements",
    (b) => b.op("ScatterElements", [t(b, 2, 3), of(b, "int64", [1, 3]), t(b, 1, 3)]),
  ],
  ["ScatterND", (b) => b.op("ScatterND", [t(b, 4, 3), of(b, "int64", [1, 1]), t(b, 1, 3)])],
  [
    "OneHot",
    (b) => b.op("OneHot", [of(b, "int64", [2, 3]), b.i64([5]), b.f32([0, 1])], { axis: int(1) }),
  ],
  ["TopK", (b) => b.multi("TopK", [t(b, 2, 9), b.i64([4])], {}, { outputs: 2 })],
  ["NonZero", unary("NonZero")],
  [
    "NonMaxSuppression",
    (b) => b.op("NonMaxSuppression", [t(b, 1, 5, 4), t(b, 1, 2, 5), b.i64([3])]),
  ],
  [
    "RoiAlign",
    (b) =>
      b.op("RoiAlign", [t(b, 1, 3, 8, 8), t(b, 2, 4), b.i64([0, 0])], {
        output_height: int(2),
        output_width: int(3),
      }),
  ],

  ["Resize", (b) => b.op("Resize", [t(b, 1, 2, 7, 10), null, b.f32([1, 1, 1.1, 0.3])])],
  ["Resize", (b) => b.op("Resize", [t(b, 1, 2, 7, 10), null, null, b.i64([1, 2, 3, 4])])],
  ["Upsample", (b) => b.op("Upsample", [t(b, 1, 2, 3, 4), b.f32([1, 1, 2, 1.5])])],
  ["GridSample", (b) => b.op("GridSample", [t(b, 2, 3, 4, 5), t(b, 2, 6, 7, 2)])],

  ["Constant", (b) => b.op("Constant", [], { value: tensorAttribute(float32([2], [1, 2])) })],
  ["Constant", (b) => b.op("Constant", [], { value_floats: floats([1, 2, 3]) })],
  ["Constant", (b) => b.op("Constant", [], { value_int: int(3) })],
  ["ConstantOfShape", (b) => b.op("ConstantOfShape", [b.i64([2, 3])])],
  ["Shape", (b) => b.op("Shape", [t(b, 2, 3, 4)], { start: int(-2) })],
  ["Shape", (b) => b.op("Shape", [t(b, 2, 3, 4)], { start: int(0), end: int(-1) })],
  ["Size", unary("Size")],
  ["Range", (b) => b.op("Range", [b.f32(1), b.f32(3), b.f32(0.3)])],
  ["Cast", unary("Cast", { to: int(11) })],
  ["CastLike", (b) => b.op("CastLike", [t(b, 2), of(b, "int8", [1])])],
  ["EyeLike", (b) => b.op("EyeLike", [t(b, 2, 3)], { dtype: int(7) })],
  ...each("RandomNormal RandomUniform", (op) => (b) => b.op(op, [], { shape: ints([2, 3]) })),
  ...each("RandomNormalLike RandomUniformLike", (op) => unary(op, { dtype: int(11) })),

  [
    "QuantizeLinear",
    (b) =>
      b.op("QuantizeLinear", [t(b, 2, 3), b.f32([1, 2, 3]), of(b, "int8", [3])], { axis: int(1) }),
  ],
  ["QuantizeLinear", (b) => b.op("QuantizeLinear", [t(b, 2, 3), b.f32(1)])],
  ["DequantizeLinear", (b) => b.op("DequantizeLinear", [...quantized(b, "int8", 2, 3)])],
  [
    `${MS}:QuantizeLinear`,
    (b) => b.op("QuantizeLinear", [t(b, 2, 3), b.f32(1), of(b, "uint16", [])], {}, { domain: MS }),
  ],
  [
    `${MS}:DequantizeLinear`,
    (b) =>
      b.op(
        "DequantizeLinear",
        [of(b, "int16", [2]), b.f32(1), of(b, "int16", [])],
        {},
        { domain: MS },
      ),
  ],
  [
    "DynamicQuantizeLinear",
    (b) => b.multi("DynamicQuantizeLinear", [t(b, 2, 3)], {}, { outputs: 3 }),
  ],
  ...each(
    "QLinearAdd QLinearMul",
    (op) => (b) =>
      b.op(
        op,
        [
          ...quantized(b, "uint8", 2, 1, 3),
          ...quantized(b, "uint8", 4, 1),
          b.f32(0.1),
          of(b, "uint8", []),
        ],
        {},
        { domain: MS },
      ),
  ).map(([op, s]): [string, Sample] => [`${MS}:${op}`, s]),
  [
    `${MS}:QLinearSigmoid`,
    (b) =>
      b.op(
        "QLinearSigmoid",
        [...quantized(b, "uint8", 2, 3), b.f32(0.1), of(b, "uint8", [])],
        {},
        { domain: MS },
      ),
  ],
  [
    `${MS}:QLinearLeakyRelu`,
    (b) =>
      b.op(
        "QLinearLeakyRelu",
        [...quantized(b, "uint8", 2, 3), b.f32(0.1), of(b, "uint8", [])],
        { alpha: float(0.1) },
        { domain: MS },
      ),
  ],
  [
    `${MS}:QLinearSoftmax`,
    (b) =>
      b.op(
        "QLinearSoftmax",
        [...quantized(b, "uint8", 2, 3), b.f32(0.1), of(b, "uint8", [])],
        { opset: int(13) },
        { domain: MS },
      ),
  ],
  [
    `${MS}:QLinearGlobalAveragePool`,
    (b) =>
      b.op(
        "QLinearGlobalAveragePool",
        [...quantized(b, "uint8", 2, 3, 4, 5), b.f32(0.1), of(b, "uint8", [])],
        {},
        { domain: MS },
      ),
  ],
  [
    `${MS}:QLinearConv`,
    (b) =>
      b.op(
        "QLinearConv",
        [
          ...quantized(b, "uint8", 1, 2, 5, 5),
          ...quantized(b, "uint8", 3, 2, 3, 3),
          b.f32(0.1),
          of(b, "uint8", []),
        ],
        {},
        { domain: MS },
      ),
  ],
];

/** Opset to write a sample in: 17, or the nearest in which the op exists. */
export const SAMPLE_OPSET: Readonly<Record<string, number>> = {
  Upsample: 9,
  Mish: 18,
  Gelu: 20,
  GroupNormalization: 18,
  BitwiseNot: 18,
  BitwiseAnd: 18,
  BitwiseOr: 18,
  BitwiseXor: 18,
};
