import type { Value } from "../onnx/index.js";
import type { LayerContext } from "../train/index.js";
import type { Architecture } from "./architecture.js";
import { convBnRelu, residualBlock, upsample2, conv } from "./layers.js";

/** Feature maps at strides 8, 16 and 32, each `[N, C, H/s, W/s]`. */
export type Pyramid = readonly [Value, Value, Value];

function stage(ctx: LayerContext, x: Value, name: string, channels: number, depth: number): Value {
  let y = convBnRelu(ctx, x, `${name}.down`, { channels, stride: 2 });
  for (let i = 0; i < depth; i++) y = residualBlock(ctx, y, `${name}.block${String(i)}`);
  return y;
}

/** Convolutional backbone. @param x `[N, 3, H, W]` in [0, 1], sides multiples of 32 */
export function backbone(
  ctx: LayerContext,
  x: Value,
  { stem, widths, depths }: Architecture,
): Pyramid {
  const s2 = convBnRelu(ctx, x, "backbone.stem", { channels: stem[0], stride: 2 });
  const s4 = stage(ctx, s2, "backbone.s4", stem[1], depths[0]);
  const s8 = stage(ctx, s4, "backbone.s8", widths[0], depths[1]);
  const s16 = stage(ctx, s8, "backbone.s16", widths[1], depths[2]);
  const s32 = stage(ctx, s16, "backbone.s32", widths[2], depths[3]);
  return [s8, s16, s32];
}

/** Top-down feature pyramid: laterals added to the upsampled coarser level, then smoothed. */
export function featurePyramid(
  ctx: LayerContext,
  [c3, c4, c5]: Pyramid,
  { neck }: Architecture,
): Pyramid {
  const lateral = (x: Value, name: string): Value =>
    ctx.batchNorm(conv(ctx, x, name, { channels: neck, kernel: 1 }), `${name}.bn`);
  const merge = (fine: Value, coarse: Value, name: string): Value =>
    ctx.b.op("Relu", [ctx.b.op("Add", [lateral(fine, name), upsample2(ctx, coarse)])]);
  const p5 = convBnRelu(ctx, c5, "neck.l5", { channels: neck, kernel: 1 });
  const p4 = convBnRelu(ctx, merge(c4, p5, "neck.l4"), "neck.p4", { channels: neck });
  const p3 = convBnRelu(ctx, merge(c3, p4, "neck.l3"), "neck.p3", { channels: neck });
  return [p3, p4, p5];
}
