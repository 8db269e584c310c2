import { str, type Value } from "../../onnx/index.js";
import { float32, type HostTensor } from "../../tensor/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import { transposedResize } from "./resample.js";
import {
  ceils,
  planar,
  transposedConv,
  windowAttributes,
  windowOf,
  type Window,
} from "./window.js";

function poolWindow(c: RuleContext): Window {
  const kernel = c.node.ints("kernel_shape") ?? c.fail("it has no kernel_shape");
  return windowOf(c, kernel);
}

export const poolRules: readonly Rule[] = [
  defineRule("GlobalAveragePool", (c) => {
    const dims = dimsOf(c.x());
    const count = dims.slice(2).reduce((n, d) => n * d, 1);
    return [() => c.expand(c.scale(c.dy, 1 / count), dims)];
  }),
  defineRule("AveragePool", (c) => [() => averagePool(c)]),
  // (Σ|x|^p)^(1/p): each element of a window takes sign(x)·(|x|/z)^(p-1) of its gradient
  defineRule("LpPool", (c) => [() => lpPool(c)]),
  // equal ones share the gradient
  defineRule("GlobalMaxPool", (c) => [
    () => {
      const hit = c.mask(c.op("Equal", [c.x(), c.y()]));
      const pixels = dimsOf(c.x()).flatMap((_, i) => (i > 1 ? [i] : []));
      return c.mul(hit, c.div(c.dy, c.sum(hit, pixels)));
    },
  ]),
  defineRule("MaxPool", (c) => [() => maxPool(c)]),
  defineRule("Resize", (c) => [() => resize(c)]),
];

/** Each output spreads evenly over its window. */
function averagePool(c: RuleContext): Value {
  const dims = dimsOf(c.x());
  const [, , height = 1, width = 1] = planar(dims);
  const window = poolWindow(c);
  const [kh, kw] = window.kernel;
  if (ceils(c.node)) return c.fail("ceil_mode");
  const [, , rows = 1, columns = 1] = planar(dimsOf(c.y()));
  const dy = c.reshape(c.dy, planar(dimsOf(c.y())));
  const inside = c.node.int("count_include_pad", 0) === 0 && window.pads.some((p) => p > 0);
  const share = inside
    ? c.mul(
        dy,
        c.cast(c.b.constant(windowShares(window, { height, width, rows, columns })), c.dtype),
      )
    : c.scale(dy, 1 / (kh * kw));
  const untouched = window.strides.every(
    (s, i) => s === window.kernel[i] && window.dilations[i] === 1,
  );
  if (
    untouched &&
    window.pads.every((p) => p === 0) &&
    height === rows * kh &&
    width === columns * kw
  )
    return c.reshape(upsample(c, share, kh, kw), dims);
  return spread(c, share, window);
}

/** Adds each output's value to every cell of its window. */
function spread(c: RuleContext, share: Value, window: Window): Value {
  const dims = dimsOf(c.x());
  const [n = 1, ch = 1, height = 1, width = 1] = planar(dims);
  const [, , rows = 1, columns = 1] = planar(dimsOf(c.y()));
  const [kh, kw] = window.kernel;
  const flat = c.reshape(share, [n * ch, 1, rows, columns]);
  const ones = c.cast(
    c.b.constant(float32([1, 1, kh, kw], new Float32Array(kh * kw).fill(1))),
    c.dtype,
  );
  return c.reshape(transposedConv(c, flat, ones, window, { groups: 1, height, width }), dims);
}

function lpPool(c: RuleContext): Value {
  if (ceils(c.node)) return c.fail("ceil_mode");
  const p = c.node.int("p", 2);
  const share = c.div(c.dy, p === 1 ? c.num(1) : c.op("Pow", [c.y(), c.num(p - 1)]));
  const spreadOut = spread(c, share, poolWindow(c));
  const power = p === 2 ? c.x() : c.mul(c.op("Sign", [c.x()]), absPower(c, p - 1));
  return c.mul(power, spreadOut);
}

/** |x|^q */
function absPower(c: RuleContext, q: number): Value {
  return c.op("Pow", [c.op("Abs", [c.x()]), c.num(q)]);
}

/** 1 / (cells of the window inside the image) for every output, `[rows, columns]`. */
function windowShares(
  { kernel, strides, dilations, pads }: Window,
  {
    height,
    width,
    rows,
    columns,
  }: { height: number; width: number; rows: number; columns: number },
): HostTensor {
  const inside = (o: number, axis: 0 | 1, length: number): number => {
    let count = 0;
    for (let k = 0; k < kernel[axis]; k++) {
      const at = o * strides[axis] - pads[axis] + k * dilations[axis];
      if (at >= 0 && at < length) count++;
    }
    return count;
  };
  return float32(
    [rows, columns],
    Array.from({ length: rows * columns }, (_, i) => {
      const cells = inside(Math.floor(i / columns), 0, height) * inside(i % columns, 1, width);
      return 1 / Math.max(1, cells);
    }),
  );
}

/** The largest element of each window takes its gradient; where windows overlap it adds up. Needs opset 16. */
function maxPool(c: RuleContext): Value {
  if (c.b.opset < 16) return c.fail("scattering needs opset 16");
  const dims = dimsOf(c.x());
  const size = dims.reduce((n, d) => n * d, 1);
  const attributes = Object.fromEntries(c.node.attributes);
  const [, indices] = c.b.multi("MaxPool", [c.x()], attributes, {
    name: "grad/MaxPool",
    outputs: 2,
  });
  if (!indices) return c.fail("it gives no indices");
  const count = dimsOf(c.y()).reduce((n, d) => n * d, 1);
  const empty = c.expand(c.num(0), [size]);
  const at = c.op("Reshape", [indices, c.b.i64([count])]);
  return c.reshape(
    c.op("ScatterElements", [empty, at, c.reshape(c.dy, [count])], { reduction: str("add") }),
    dims,
  );
}

/** Repeats every cell `kh` × `kw` times. */
export function upsample(c: RuleContext, x: Value, kh: number, kw: number): Value {
  return c.op("Resize", [x, null, c.b.f32([1, 1, kh, kw])], {
    mode: str("nearest"),
    coordinate_transformation_mode: str("asymmetric"),
    nearest_mode: str("floor"),
  });
}

/** Nearest-neighbour upsampling by whole factors adds up the gradients of a cell's copies by pooling. */
function resize(c: RuleContext): Value {
  const [n, ch, height = 1, width = 1] = dimsOf(c.x());
  const [, , rows = 1, columns = 1] = dimsOf(c.y());
  const [kh, kw] = [rows / height, columns / width];
  const whole = Number.isInteger(kh) && Number.isInteger(kw) && dimsOf(c.x()).length === 4;
  const mode = c.node.string("mode", "nearest");
  const transformation = c.node.string("coordinate_transformation_mode", "half_pixel");
  const rounding = c.node.string("nearest_mode", "round_prefer_floor");
  // both conventions copy each cell to a kh × kw block; others shift the blocks
  const blocks =
    (transformation === "asymmetric" && rounding === "floor") ||
    (transformation === "half_pixel" && rounding.startsWith("round"));
  const same = n === dimsOf(c.y())[0] && ch === dimsOf(c.y())[1];
  if (!whole || !same || mode !== "nearest" || !blocks) return transposedResize(c);
  if (kh === 1 && kw === 1) return c.dy;
  const window: Window = {
    kernel: [kh, kw],
    strides: [kh, kw],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
  };
  const { dilations: _, ...attributes } = windowAttributes(window) ?? {};
  return c.scale(c.op("AveragePool", [c.dy], attributes), kh * kw);
}
