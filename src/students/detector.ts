import { float32 } from "../tensor/index.js";
import { int, ints, type Value } from "../onnx/index.js";
import type { LayerContext } from "../train/index.js";
import { anchorGrid, type AnchorGrid } from "./anchors.js";
import { STRIDES, type Architecture } from "./architecture.js";
import { backbone, featurePyramid, type Pyramid } from "./backbone.js";
import { channelsOf, convBnRelu, outputConv } from "./layers.js";

/** Prior probability of an object at a cell, set through the classifier's bias. */
const PRIOR = 0.02;

export interface DetectorOptions {
  architecture: Architecture;
  classCount: number;
  widthPx: number;
  heightPx: number;
}

/** What the network computes; A cells over all levels, C classes. */
export interface DetectorOutputs {
  /** The stride-8, -16, -32 pyramid the head reads. */
  pyramid: Pyramid;
  /** The deepest backbone map, `[N, C5, H/32, W/32]`. */
  deepest: Value;
  /** `[N, A, C]` class logits. */
  logits: Value;
  /** `[N, A, 4]` distances left, top, right, bottom from the cell centre, in strides, positive. */
  distances: Value;
  grid: AnchorGrid;
}

/** `[N, C, H, W]` → `[N, H·W, C]`. */
function cellsLast({ b }: LayerContext, x: Value): Value {
  const [, channels, rows, columns] = x.dims ?? [];
  // 0 keeps the batch, also one of free size
  const shape = b.i64([0, Number(channels), Number(rows) * Number(columns)]);
  return b.op("Transpose", [b.op("Reshape", [x, shape])], { perm: ints([0, 2, 1]) });
}

/**
 * Anchor-free detector: backbone, pyramid, and per level a head of one 3x3 and two 1x1 convolutions.
 * @param image `[N, 3, H, W]` RGB in [0, 1]
 */
export function detector(
  ctx: LayerContext,
  image: Value,
  { architecture, classCount, widthPx, heightPx }: DetectorOptions,
): DetectorOutputs {
  const { b } = ctx;
  const features = backbone(ctx, image, architecture);
  const pyramid = featurePyramid(ctx, features, architecture);
  const logits: Value[] = [];
  const distances: Value[] = [];
  pyramid.forEach((p, level) => {
    const name = `head.p${String(level + 3)}`;
    const tower = convBnRelu(ctx, p, `${name}.tower`, { channels: channelsOf(p) });
    const cls = outputConv(ctx, tower, `${name}.cls`, {
      channels: classCount,
      bias: Math.log(PRIOR / (1 - PRIOR)),
      weightScale: 0.1,
    });
    const box = outputConv(ctx, tower, `${name}.box`, { channels: 4, bias: 1.5, weightScale: 0.1 });
    logits.push(cellsLast(ctx, cls));
    distances.push(cellsLast(ctx, b.op("Softplus", [box])));
  });
  return {
    pyramid,
    deepest: features[2],
    logits: b.op("Concat", logits, { axis: int(1) }),
    distances: b.op("Concat", distances, { axis: int(1) }),
    grid: anchorGrid({ widthPx, heightPx }),
  };
}

/** Distances in strides → corner boxes `[N, A, 4]` xyxy in network px. */
export function boxesFromDistances({ b }: LayerContext, distances: Value, grid: AnchorGrid): Value {
  const corners = b.op("Mul", [distances, signedStrides(b, grid)]);
  const centers = new Float32Array(grid.count * 4);
  for (let a = 0; a < grid.count; a++)
    for (let k = 0; k < 4; k++) centers[4 * a + k] = grid.centers[2 * a + (k % 2)] ?? 0;
  return b.op("Add", [corners, b.constant(float32([1, grid.count, 4], centers))]);
}

function signedStrides(b: LayerContext["b"], grid: AnchorGrid): Value {
  const strides = new Float32Array(grid.count * 4);
  for (let a = 0; a < grid.count; a++)
    for (let k = 0; k < 4; k++)
      strides[4 * a + k] = (k < 2 ? -1 : 1) * (grid.strides[a] ?? STRIDES[0]);
  return b.constant(float32([1, grid.count, 4], strides));
}

/** `[N, A, 4 + C]`: boxes xyxy in network px, then class scores in [0, 1] (decoder `edge-distill-dense`). */
export function denseDetections(ctx: LayerContext, out: DetectorOutputs): Value {
  const boxes = boxesFromDistances(ctx, out.distances, out.grid);
  const scores = ctx.b.op("Sigmoid", [out.logits]);
  return ctx.b.op("Concat", [boxes, scores], { axis: int(2) });
}
