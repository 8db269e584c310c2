import { ints, int, type Node, type Value } from "../../onnx/index.js";
import { dimsOf, type Algebra } from "../algebra.js";
import type { RuleContext } from "../rule.js";

/** How a 2-D window walks over `[N, C, H, W]`. */
export interface Window {
  kernel: readonly [number, number];
  strides: readonly [number, number];
  dilations: readonly [number, number];
  /** top, left, bottom, right */
  pads: readonly [number, number, number, number];
}

type Pair = readonly [number, number];

/** `[N, C, L]` as one row, `[N, C, 1, L]`: 1-D windows are 2-D ones of height 1. */
export function planar(dims: readonly number[]): readonly number[] {
  return dims.length === 3 ? [...dims.slice(0, 2), 1, ...dims.slice(2)] : dims;
}

/** Reads a node's window, with `auto_pad` resolved. @param kernel the window's size, of one or two axes */
export function windowOf(c: RuleContext, kernelShape: readonly number[]): Window {
  const { node } = c;
  const rank = dimsOf(c.x()).length - 2;
  if (rank !== 1 && rank !== 2) c.fail(`${String(rank)}-D windows`);
  const [, , ...size] = planar(dimsOf(c.x()));
  const pair = (values: readonly number[] | undefined): Pair =>
    rank === 1 ? [1, values?.[0] ?? 1] : [values?.[0] ?? 1, values?.[1] ?? 1];
  const kernel = pair(kernelShape);
  const strides = pair(node.ints("strides"));
  const dilations = pair(node.ints("dilations"));
  const mode = node.string("auto_pad", "NOTSET");
  const list = node.ints("pads") ?? [0, 0, 0, 0];
  const given = rank === 1 ? [0, list[0], 0, list[1]] : list;
  let pads: Window["pads"] = [given[0] ?? 0, given[1] ?? 0, given[2] ?? 0, given[3] ?? 0];
  if (mode.startsWith("SAME")) {
    const total = ([0, 1] as const).map((i) => {
      const length = size[i] ?? 1;
      const reach = dilations[i] * (kernel[i] - 1) + 1;
      return Math.max(0, (Math.ceil(length / strides[i]) - 1) * strides[i] + reach - length);
    });
    const [h = 0, w = 0] = total;
    const small: Pair = [Math.floor(h / 2), Math.floor(w / 2)];
    const large: Pair = [h - small[0], w - small[1]];
    pads = mode === "SAME_UPPER" ? [...small, ...large] : [...large, ...small];
  }
  return { kernel, strides, dilations, pads };
}

/** Span of a dilated kernel. */
export function reach({ kernel, dilations }: Window): Pair {
  return [dilations[0] * (kernel[0] - 1) + 1, dilations[1] * (kernel[1] - 1) + 1];
}

export function windowAttributes({
  kernel,
  strides,
  dilations,
  pads,
}: Window): Parameters<Algebra["op"]>[2] {
  return {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
  };
}

/**
 * The transpose of a convolution as a linear map: scatters `y` `[N, M, Ho, Wo]` through `w` `[M, C/groups, kH, kW]` to
 * `[N, C, H, W]`.
 */
export function transposedConv(
  f: Algebra,
  y: Value,
  w: Value,
  window: Window,
  { groups, height, width }: { groups: number; height: number; width: number },
): Value {
  const [, , rows = 1, columns = 1] = dimsOf(y);
  const span = reach(window);
  const { strides, pads } = window;
  // rows the stride left over at the end
  const extra = [
    height - ((rows - 1) * strides[0] + span[0] - pads[0] - pads[2]),
    width - ((columns - 1) * strides[1] + span[1] - pads[1] - pads[3]),
  ];
  return f.op("ConvTranspose", [y, w], {
    ...windowAttributes(window),
    output_padding: ints(extra),
    group: int(groups),
  });
}

/** Whether the node rounds its output size up. */
export function ceils(node: Node): boolean {
  return node.int("ceil_mode", 0) !== 0;
}
