import { ints, str, type Value } from "../onnx/index.js";
import { constant, heNormal, type LayerContext } from "../train/index.js";

/** Channels of a `[N, C, H, W]` value. */
export function channelsOf(x: Value): number {
  return Number(x.dims?.[1]);
}

export interface ConvOptions {
  channels: number;
  /** Square kernel; odd. Default 3. */
  kernel?: number;
  stride?: number;
}

/** Convolution without bias, "same" padding for odd kernels. `[N, C, H, W]` → `[N, channels, H/stride, W/stride]`. */
export function conv(
  ctx: LayerContext,
  x: Value,
  name: string,
  { channels, kernel = 3, stride = 1 }: ConvOptions,
): Value {
  const w = ctx.param(`${name}.weight`, [channels, channelsOf(x), kernel, kernel], heNormal());
  const p = (kernel - 1) / 2;
  return ctx.b.op(
    "Conv",
    [x, w],
    {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([p, p, p, p]),
    },
    { name },
  );
}

/** Convolution, batch normalization, Relu. */
export function convBnRelu(ctx: LayerContext, x: Value, name: string, options: ConvOptions): Value {
  return ctx.b.op("Relu", [ctx.batchNorm(conv(ctx, x, name, options), `${name}.bn`)]);
}

/** Two 3x3 convolutions with a shortcut: `relu(x + bn(conv(relu(bn(conv(x))))))`. */
export function residualBlock(ctx: LayerContext, x: Value, name: string): Value {
  const channels = channelsOf(x);
  const inner = convBnRelu(ctx, x, `${name}.0`, { channels });
  const outer = ctx.batchNorm(conv(ctx, inner, `${name}.1`, { channels }), `${name}.1.bn`);
  return ctx.b.op("Relu", [ctx.b.op("Add", [outer, x])]);
}

/** Convolution with bias and no normalization, for head outputs. */
export function outputConv(
  ctx: LayerContext,
  x: Value,
  name: string,
  {
    channels,
    kernel = 1,
    bias = 0,
    weightScale = 1,
  }: { channels: number; kernel?: number; bias?: number; weightScale?: number },
): Value {
  const w = ctx.param(
    `${name}.weight`,
    [channels, channelsOf(x), kernel, kernel],
    heNormal({ gain: weightScale }),
  );
  const c = ctx.param(`${name}.bias`, [channels], constant(bias), { decay: false });
  const p = (kernel - 1) / 2;
  return ctx.b.op(
    "Conv",
    [x, w, c],
    { kernel_shape: ints([kernel, kernel]), pads: ints([p, p, p, p]), strides: ints([1, 1]) },
    { name },
  );
}

/** Nearest-neighbour upsampling by 2, in the form every backend maps to a plain copy. */
export function upsample2(ctx: LayerContext, x: Value): Value {
  const scales = ctx.b.f32([1, 1, 2, 2]);
  return ctx.b.op("Resize", [x, null, scales], {
    mode: str("nearest"),
    coordinate_transformation_mode: str("asymmetric"),
    nearest_mode: str("floor"),
  });
}
