import { dimsOf, constantOf } from "../algebra.js";
import type { Value } from "../../onnx/index.js";
import type { RuleContext } from "../rule.js";
import { transposedAlong, type Taps } from "./axis-map.js";

/** One axis of a Resize. */
interface Axis {
  length: number;
  outputs: number;
  scale: number;
}

/** Where an output position lies in the input. @see https://onnx.ai/onnx/operators/onnx__Resize.html */
function coordinate(c: RuleContext, { length, outputs, scale }: Axis, o: number): number {
  const mode = c.node.string("coordinate_transformation_mode", "half_pixel");
  switch (mode) {
    case "half_pixel":
      return (o + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return outputs > 1 ? (o + 0.5) / scale - 0.5 : 0;
    case "half_pixel_symmetric": {
      const stretch = outputs / (scale * length);
      return (length / 2) * (1 - stretch) + (o + 0.5) / scale - 0.5;
    }
    case "asymmetric":
      return o / scale;
    case "align_corners":
      return outputs > 1 ? (o * (length - 1)) / (outputs - 1) : 0;
    default:
      return c.fail(`coordinates "${mode}"`);
  }
}

function nearest(rounding: string, at: number): number {
  switch (rounding) {
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

/** What one output position takes from the input: positions past the ends count as the ends. */
function tapsAt(c: RuleContext, axis: Axis, o: number): Taps {
  const mode = c.node.string("mode", "nearest");
  const last = axis.length - 1;
  const inside = (i: number): number => Math.min(Math.max(i, 0), last);
  const at = coordinate(c, axis, o);
  if (mode === "nearest")
    return [[inside(nearest(c.node.string("nearest_mode", "round_prefer_floor"), at)), 1]];
  if (mode !== "linear") return c.fail(`mode "${mode}"`);
  const clamped = inside(at);
  const low = Math.floor(clamped);
  return [
    [low, 1 - (clamped - low)],
    [inside(low + 1), clamped - low],
  ];
}

/** Resampling is a linear map along each axis that changes: its transpose, axis by axis. */
export function transposedResize(c: RuleContext): Value {
  if (c.node.int("antialias", 0)) c.fail("antialias");
  const from = dimsOf(c.x());
  const to = dimsOf(c.y());
  const given = constantOf(c.node.inputs[2])?.data;
  const listed = given ? Array.from(given as ArrayLike<number>, Number) : [];
  const axes = c.node.ints("axes")?.map((a) => (a < 0 ? a + from.length : a));
  return from.reduce((dy, length, axis) => {
    const outputs = to[axis] ?? length;
    const scale = listed[axes ? axes.indexOf(axis) : axis] ?? outputs / length;
    if (scale === 1 && outputs === length) return dy;
    const spec = { length, outputs, scale };
    const taps = Array.from({ length: outputs }, (_, o) => tapsAt(c, spec, o));
    return transposedAlong(c, dy, { axis, length, taps });
  }, c.dy);
}
