import { float32 } from "../../../tensor/index.js";
import { int, ints, type Meaning, type Value } from "../../ir/index.js";
import { BLOCKED_DOMAIN, type BlockedWindow, type BlockedWriter } from "./layout.js";

type WeightGradient = Extract<Meaning, { kind: "conv-weight-gradient" }>;

const dimsOf = (x: Value): number[] => (x.dims ?? []).map(Number);

/** Whether a convolution of these channel counts has a blocked kernel. A stem takes its few channels in plain memory. */
export function hasBlockedConv(
  block: number,
  { inputs, outputs, groups }: { inputs: number; outputs: number; groups: number },
): "dense" | "depthwise" | "stem" | undefined {
  if (outputs % block !== 0) return undefined;
  if (groups === 1) return inputs % block === 0 ? "dense" : inputs < block ? "stem" : undefined;
  return groups === inputs && inputs === outputs ? "depthwise" : undefined;
}

// Each filter is reordered in steps that the engine's Transpose has fast paths for: planes turned, or rows of whole blocks
// moved. In one step the same takes up to twelve times as long.

/** `[O, I, kH, kW]` → the kernel's `[O/B][I/B][kH][kW][Bi][Bo]`, dims unchanged. */
export function denseFilter(b: BlockedWriter, w: Value): Value {
  const [o = 1, i = 1, kh = 1, kw = 1] = dimsOf(w);
  const { block } = b;
  const taps = kh * kw;
  const tapsFirst =
    taps === 1 ? w : b.transpose(b.reshape(w, [o, i / block, block, taps]), [0, 1, 3, 2]);
  const turned = b.transpose(b.reshape(tapsFirst, [o / block, block, i * taps]), [0, 2, 1]);
  return b.reshape(turned, [o, i, kh, kw]);
}

/** `[O, I, kH, kW]` → `[I/B, O/B, taps, Bo, Bi]`: the filter that goes back from O to I channels, its taps in order. */
function swappedFilter(b: BlockedWriter, w: Value): Value {
  const [o = 1, i = 1, kh = 1, kw = 1] = dimsOf(w);
  const { block } = b;
  const taps = kh * kw;
  const swapped = b.transpose(b.reshape(w, [o, i / block, block * taps]), [1, 0, 2]);
  const dims = [i / block, o / block, taps, block, block];
  if (taps === 1) return b.reshape(swapped, dims);
  const tapsFirst = b.transpose(b.reshape(swapped, [(i / block) * o, block, taps]), [0, 2, 1]);
  const lines = b.reshape(tapsFirst, [(i / block) * (o / block), block, taps, block]);
  return b.reshape(b.transpose(lines, [0, 2, 1, 3]), dims);
}

/** `[O, I, kH, kW]` → the kernel's form of the filter turned around, logically `[I, O, kH, kW]`. */
export function turnedFilter(b: BlockedWriter, w: Value): Value {
  const [o = 1, i = 1, kh = 1, kw = 1] = dimsOf(w);
  const taps = kh * kw;
  const swapped = swappedFilter(b, w);
  const order = Array.from({ length: taps }, (_, t) => taps - 1 - t);
  return b.reshape(taps === 1 ? swapped : gatherTaps(b, swapped, order), [i, o, kh, kw]);
}

/** Of `[·, ·, taps, B, B]` some taps, in a given order. */
function gatherTaps(b: BlockedWriter, x: Value, taps: readonly number[]): Value {
  const dims = dimsOf(x).map((d, axis) => (axis === 2 ? taps.length : d));
  return b.op("Gather", [x, b.i64(taps)], dims, { axis: int(2) });
}

/** `[O, I, kH, kW]` of a stem or `[C, 1, kH, kW]` → `[O/B][I][kH][kW][Bo]`, dims unchanged. */
export function outputBlockedFilter(b: BlockedWriter, w: Value): Value {
  const [o = 1, i = 1, kh = 1, kw = 1] = dimsOf(w);
  const split = b.reshape(w, [o / b.block, b.block, i * kh * kw]);
  return b.reshape(b.transpose(split, [0, 2, 1]), [o, i, kh, kw]);
}

/**
 * The gradient by the input of a stride-2 convolution: ConvTranspose of blocked `dy`. Of a 3x3 kernel with pads 1, each of
 * the four phases of the result is a small convolution of its own; a 1x1 kernel leaves three of them zero.
 * @param w `[O, I, k, k]`, or `[C, 1, k, k]` depthwise; plain
 */
export function stride2InputGradient(
  b: BlockedWriter,
  dy: Value,
  w: Value,
  { depthwise = false } = {},
): Value {
  const [o = 1, perGroup = 1, k = 1] = dimsOf(w);
  const i = depthwise ? o : perGroup;
  const { block } = b;
  const filters = depthwise
    ? b.reshape(outputBlockedFilter(b, w), [o / block, 1, k * k, 1, block])
    : swappedFilter(b, w);
  const phase = (taps: readonly number[], kh: number, kw: number): Value => {
    const picked = k === 1 ? filters : gatherTaps(b, filters, taps);
    return b.convRaw(
      dy,
      b.reshape(picked, [i, depthwise ? 1 : o, kh, kw]),
      i,
      { kernel: [kh, kw], pads: [0, 0, kh - 1, kw - 1] },
      depthwise ? { group: i } : {},
    );
  };
  const [n = 1, , h = 1, width = 1] = dimsOf(dy);
  const lines = (n * i) / block;
  const result = [n, i, 2 * h, 2 * width];
  if (k === 1) {
    const wide = pad(b, b.reshape(phase([0], 1, 1), [lines * h * width, block]), block);
    return b.reshape(
      pad(b, b.reshape(wide, [lines * h, 2 * width * block]), 2 * width * block),
      result,
    );
  }
  // row and column taps of even results: the middle one; of odd results: the last, then the first
  const rows = [
    [phase([4], 1, 1), phase([5, 3], 1, 2)],
    [phase([7, 1], 2, 1), phase([8, 6, 2, 0], 2, 2)],
  ].map((row) => {
    const cells = row.map((p) => b.reshape(p, [lines * h * width, block]));
    return b.reshape(b.concat(cells, 1), [lines * h, 2 * width * block]);
  });
  return b.reshape(b.concat(rows, 1), result);
}

/** Zeros after the last axis. */
function pad(b: BlockedWriter, x: Value, after: number): Value {
  const [rows = 1, columns = 1] = dimsOf(x);
  return b.op("Pad", [x, b.i64([0, 0, 0, after]), b.f32([0])], [rows, columns + after]);
}

/** A copy of blocked `x` shifted (and thinned out) by a depthwise convolution with a single one in its kernel. */
function shifted(
  b: BlockedWriter,
  x: Value,
  tap: readonly [number, number],
  window: BlockedWindow,
): Value {
  const channels = Number(x.dims?.[1]);
  const [kh, kw] = window.kernel;
  const key = `one-hot ${String(channels)} ${window.kernel.join()} ${tap.join()}`;
  const filter = b.constant(key, () => {
    const data = new Float32Array(channels * kh * kw);
    const at = (tap[0] * kw + tap[1]) * b.block;
    for (let c = 0; c < channels / b.block; c++)
      data.fill(1, c * kh * kw * b.block + at, c * kh * kw * b.block + at + b.block);
    return float32([channels, 1, kh, kw], data);
  });
  return b.convRaw(x, filter, channels, window, { group: channels });
}

/**
 * Products of maps summed over pixels (and images), by a 1x1 convolution that takes *pixels for input channels*: the
 * blocked memory of dy already lies as its filter, and x goes in with pixels and channels exchanged.
 */
class PixelProducts {
  readonly #b: BlockedWriter;
  readonly #n: number;
  readonly #pixels: number;
  readonly #perImage: boolean;

  constructor(b: BlockedWriter, n: number, pixels: number, perImage: boolean) {
    this.#b = b;
    this.#n = n;
    this.#pixels = pixels;
    this.#perImage = perImage;
  }

  /** Plain `[N, C, …]` with P pixels → pixels in blocks. */
  pixelsInBlocks(x: Value, channels: number): Value {
    const b = this.#b;
    const [n, p] = [this.#n, this.#pixels];
    const image = this.#perImage
      ? b.reshape(x, [n, channels, 1, p])
      : b.reshape(b.transpose(b.reshape(x, [n, channels, p]), [1, 0, 2]), [1, channels, 1, n * p]);
    const turned = b.op(
      "ReorderInput",
      [image],
      [this.#perImage ? n : 1, this.#perImage ? p : n * p, channels, 1],
      { channels_last: int(1) },
      BLOCKED_DOMAIN,
    );
    return b.reshape(turned, [1, n * p, channels, 1]);
  }

  /** Blocked `[N, O, …]` with P pixels → the filter. */
  filter(dy: Value): Value {
    const b = this.#b;
    const [n, p] = [this.#n, this.#pixels];
    const outputs = Number(dy.dims?.[1]);
    if (this.#perImage) return b.reshape(dy, [n * outputs, p, 1, 1]);
    const groups = outputs / b.block;
    const folded = b.transpose(b.reshape(dy, [n, groups, p * b.block]), [1, 0, 2]);
    return b.reshape(folded, [outputs, n * p, 1, 1]);
  }

  /** `[1, O/B, C, B]` */
  product(x: Value, filter: Value, channels: number, outputs: number): Value {
    const b = this.#b;
    const n = this.#perImage ? this.#n : 1;
    const y = b.convRaw(x, filter, n * outputs, { kernel: [1, 1] }, { group: n });
    const total = b.sumFirst(b.reshape(y, [n, outputs * channels]));
    return b.reshape(total, [1, outputs / b.block, channels, b.block]);
  }
}

/** Below this many pixels the images are folded into the pixels. */
const PIXELS_PER_IMAGE = 512;

/**
 * dw in plain `[M, C/groups, kH, kW]`, or undefined where no blocked formulation fits.
 * @param x blocked, or plain for a stem
 * @param dy blocked
 */
export function weightGradient(
  b: BlockedWriter,
  { kernel, strides, dilations, pads, groups }: WeightGradient,
  x: Value,
  dy: Value,
): Value | undefined {
  const [n = 1, c = 1, height = 1, width = 1] = dimsOf(x);
  const [, m = 1, rows = 1, columns = 1] = dimsOf(dy);
  const [kh, kw] = kernel;
  const kind = hasBlockedConv(b.block, { inputs: c, outputs: m, groups });
  if (kind === "depthwise") {
    // dy is the kernel that slides over x; what was the stride spreads its cells; what would stick out is cut off
    const end = ([height, width] as const).map((length, i) => {
      const reach = (([rows, columns][i] ?? 1) - 1) * (strides[i as 0 | 1] ?? 1) + 1;
      const span = (kernel[i as 0 | 1] - 1) * dilations[i as 0 | 1];
      return span + reach - length - pads[i as 0 | 1];
    }) as [number, number];
    if (end.some((p) => p < 0)) return undefined;
    const taps = b.convRaw(
      b.reshape(x, [1, n * c, height, width]),
      b.reshape(dy, [n * c, 1, rows, columns]),
      n * c,
      {
        kernel: [rows, columns],
        dilations: strides,
        strides: dilations,
        pads: [pads[0], pads[1], end[0], end[1]],
      },
      { group: n * c },
    );
    const total = b.sumFirst(b.reshape(taps, [n, c / b.block, kh * kw, b.block]));
    return b.reshape(b.transpose(total, [0, 2, 1]), [c, 1, kh, kw]);
  }
  const pixels = rows * columns;
  const perImage = pixels >= PIXELS_PER_IMAGE && pixels % b.block === 0;
  if (kind === undefined || (!perImage && (n * pixels) % b.block !== 0)) return undefined;
  const products = new PixelProducts(b, n, pixels, perImage);
  if (kind === "stem") {
    const taps = kh * kw;
    const filter = b.constant(`im2col ${String(c)} ${kernel.join()}`, () => {
      const data = new Float32Array(c * taps * c * taps);
      for (let t = 0; t < taps; t++)
        for (let i = 0; i < c; i++) data[((t * c + i) * c + i) * taps + t] = 1;
      return float32([taps * c, c, kh, kw], data);
    });
    const columnsOf = b.op("Conv", [x, filter], [n, taps * c, rows, columns], {
      kernel_shape: ints(kernel),
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints(pads),
    });
    const all = products.product(
      products.pixelsInBlocks(columnsOf, taps * c),
      products.filter(dy),
      taps * c,
      m,
    );
    const split = b.reshape(all, [m / b.block, taps, c, b.block]);
    return b.reshape(b.transpose(split, [0, 3, 2, 1]), [m, c, kh, kw]);
  }
  const plain = (t: Value): Value => products.pixelsInBlocks(b.toPlain(t), c);
  const parts: Value[] = [];
  const sameSize = strides.every((s) => s === 1) && rows === height && columns === width;
  if (kh * kw === 1 && sameSize) parts.push(products.product(plain(x), products.filter(dy), c, m));
  else if (sameSize && dilations.every((d) => d === 1)) {
    // a tap at (i, j) pairs x shifted sideways with dy shifted up or down
    const xs = Array.from({ length: kw }, (_, j) =>
      plain(
        j === pads[1]
          ? x
          : shifted(b, x, [0, j], { kernel: [1, kw], pads: [0, pads[1], 0, pads[3]] }),
      ),
    );
    const dys = Array.from({ length: kh }, (_, i) =>
      products.filter(
        i === pads[0]
          ? dy
          : shifted(b, dy, [kh - 1 - i, 0], { kernel: [kh, 1], pads: [pads[2], 0, pads[0], 0] }),
      ),
    );
    for (const d of dys) for (const t of xs) parts.push(products.product(t, d, c, m));
  } else {
    const filter = products.filter(dy);
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++)
        parts.push(
          products.product(
            plain(shifted(b, x, [i, j], { kernel, strides, dilations, pads })),
            filter,
            c,
            m,
          ),
        );
  }
  // [taps, O/B, I, B] → [O/B, I, taps, B] → [O/B, B, I, taps]
  const stacked = b.reshape(b.concat(parts, 0), [kh * kw, m / b.block, c, b.block]);
  const tapsInside = kh * kw === 1 ? stacked : b.transpose(stacked, [1, 2, 0, 3]);
  const split = b.reshape(tapsInside, [m / b.block, c * kh * kw, b.block]);
  return b.reshape(b.transpose(split, [0, 2, 1]), [m, c, kh, kw]);
}
