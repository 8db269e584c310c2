import { int, ints, float, type Value } from "../../../src/onnx/index.js";
import { conv, channelsOf } from "../../../src/students/index.js";
import { constant, heNormal, normal, zeros, type LayerContext } from "../../../src/train/index.js";

const CLASSES = 10;

const relu = ({ b }: LayerContext, x: Value): Value => b.op("Relu", [x]);

const convBn = (
  ctx: LayerContext,
  x: Value,
  name: string,
  options: Parameters<typeof conv>[3],
): Value => ctx.batchNorm(conv(ctx, x, name, options), `${name}.bn`);

/** `[N, C]` → `[N, K]` */
function linear(ctx: LayerContext, x: Value, name: string, outputs: number): Value {
  const inputs = Number(x.dims?.at(-1));
  const w = ctx.param(`${name}.weight`, [inputs, outputs], heNormal());
  const bias = ctx.param(`${name}.bias`, [outputs], zeros, { decay: false });
  return ctx.b.op("Add", [ctx.b.op("MatMul", [x, w]), bias]);
}

const pooled = ({ b }: LayerContext, x: Value): Value =>
  b.op("Flatten", [b.op("GlobalAveragePool", [x])]);

/** ResNet-18 with the stem of small images: one 3x3 convolution, no pooling. */
export function resnet18(ctx: LayerContext, images: Value): Value {
  let x = relu(ctx, convBn(ctx, images, "stem", { channels: 64 }));
  [64, 128, 256, 512].forEach((channels, stage) => {
    for (let block = 0; block < 2; block++) {
      const name = `s${String(stage)}.${String(block)}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(ctx, convBn(ctx, x, `${name}.a`, { channels, stride }));
      const outer = convBn(ctx, inner, `${name}.b`, { channels });
      const shortcut =
        stride === 1 ? x : convBn(ctx, x, `${name}.down`, { channels, stride, kernel: 1 });
      x = relu(ctx, ctx.b.op("Add", [outer, shortcut]));
    }
  });
  return linear(ctx, pooled(ctx, x), "head", CLASSES);
}

/** `[expansion, channels, blocks, stride]` of each stage, as published (arXiv 1801.04381). */
const MOBILENET_STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function mobilenetv2(ctx: LayerContext, images: Value): Value {
  const { b } = ctx;
  const relu6 = (x: Value): Value => b.op("Clip", [x, b.f32(0), b.f32(6)]);
  const depthwise = (x: Value, name: string, stride: number): Value => {
    const channels = channelsOf(x);
    const w = ctx.param(`${name}.weight`, [channels, 1, 3, 3], heNormal());
    const y = b.op("Conv", [x, w], {
      kernel_shape: ints([3, 3]),
      strides: ints([stride, stride]),
      pads: ints([1, 1, 1, 1]),
      group: int(channels),
    });
    return relu6(ctx.batchNorm(y, `${name}.bn`));
  };
  let x = relu6(convBn(ctx, images, "stem", { channels: 32, stride: 2 }));
  MOBILENET_STAGES.forEach(([expansion, channels, blocks, firstStride], stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `s${String(stage)}.${String(block)}`;
      const stride = block === 0 ? firstStride : 1;
      const inputs = channelsOf(x);
      const wide =
        expansion === 1
          ? x
          : relu6(convBn(ctx, x, `${name}.expand`, { channels: inputs * expansion, kernel: 1 }));
      const y = convBn(ctx, depthwise(wide, `${name}.depthwise`, stride), `${name}.project`, {
        channels,
        kernel: 1,
      });
      x = stride === 1 && inputs === channels ? b.op("Add", [x, y]) : y;
    }
  });
  x = relu6(convBn(ctx, x, "last", { channels: 1280, kernel: 1 }));
  return linear(ctx, pooled(ctx, x), "head", CLASSES);
}

const VIT = { patch: 8, width: 192, depth: 6, heads: 3, mlp: 768 } as const;

/** A small vision transformer: pre-norm blocks, mean of the tokens, no class token. */
export function vit(ctx: LayerContext, images: Value): Value {
  const { b } = ctx;
  const { patch, width, depth, heads, mlp } = VIT;
  const [n = 1, , height = 1] = images.staticDims() ?? [];
  const tokens = (height / patch) ** 2;
  const norm = (x: Value, name: string): Value =>
    b.op(
      "LayerNormalization",
      [
        x,
        ctx.param(`${name}.scale`, [width], constant(1), { decay: false }),
        ctx.param(`${name}.bias`, [width], zeros, { decay: false }),
      ],
      { axis: int(-1), epsilon: float(1e-5) },
    );
  const gelu = (x: Value): Value =>
    b.op("Mul", [
      b.op("Mul", [x, b.f32(0.5)]),
      b.op("Add", [b.op("Erf", [b.op("Mul", [x, b.f32(Math.SQRT1_2)])]), b.f32(1)]),
    ]);
  const kernels = ctx.param("embed.weight", [width, 3, patch, patch], heNormal());
  const bias = ctx.param("embed.bias", [width], zeros, { decay: false });
  const map = b.op("Conv", [images, kernels, bias], {
    kernel_shape: ints([patch, patch]),
    strides: ints([patch, patch]),
  });
  const sequence = b.op("Transpose", [b.op("Reshape", [map, b.i64([n, width, tokens])])], {
    perm: ints([0, 2, 1]),
  });
  let x = b.op("Add", [
    sequence,
    ctx.param("position", [1, tokens, width], normal(0.02), { decay: false }),
  ]);
  for (let i = 0; i < depth; i++) {
    const name = `block${String(i)}`;
    const [q, k, v] = b.multi(
      "Split",
      [
        b.op(
          "Transpose",
          [
            b.op("Reshape", [
              linear(ctx, norm(x, `${name}.norm1`), `${name}.qkv`, 3 * width),
              b.i64([n, tokens, 3 * heads, width / heads]),
            ]),
          ],
          { perm: ints([0, 2, 1, 3]) },
        ),
        b.i64([heads, heads, heads]),
      ],
      { axis: int(1) },
      { outputs: 3 },
    ) as [Value, Value, Value];
    const scores = b.op("Mul", [
      b.op("MatMul", [q, b.op("Transpose", [k], { perm: ints([0, 1, 3, 2]) })]),
      b.f32((width / heads) ** -0.5),
    ]);
    const mixed = b.op("MatMul", [b.op("Softmax", [scores], { axis: int(-1) }), v]);
    const joined = b.op("Reshape", [
      b.op("Transpose", [mixed], { perm: ints([0, 2, 1, 3]) }),
      b.i64([n, tokens, width]),
    ]);
    x = b.op("Add", [x, linear(ctx, joined, `${name}.out`, width)]);
    const hidden = gelu(linear(ctx, norm(x, `${name}.norm2`), `${name}.up`, mlp));
    x = b.op("Add", [x, linear(ctx, hidden, `${name}.down`, width)]);
  }
  const mean = b.op("ReduceMean", [norm(x, "norm")], { axes: ints([1]), keepdims: int(0) });
  return linear(ctx, mean, "head", CLASSES);
}
