import { float32 } from "../../../tensor/index.js";
import type { Attributes, Graph } from "../../ir/index.js";
import { int, ints, str, Value } from "../../ir/index.js";

/** ONNX Runtime's internal domain of its CPU kernels in blocked layout; see the folder's README for what pins it. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

/** Shapes in `[N, C, H, W]` order, whatever the memory holds. */
export type Shape4 = readonly [number, number, number, number];

/** Channel side lengths of a window and its padding. */
export interface BlockedWindow {
  kernel: readonly [number, number];
  strides?: readonly [number, number];
  dilations?: readonly [number, number];
  /** top, left, bottom, right */
  pads?: readonly [number, number, number, number];
}

/**
 * Writes nodes on tensors in blocked layout: of `[N, C, H, W]` the memory is `[N, C / B, H, W, B]`. Their values carry the
 * logical dims; a Reshape sees the memory.
 */
export class BlockedWriter {
  readonly graph: Graph;
  readonly block: number;
  readonly #constants = new Map<string, Value>();

  constructor(graph: Graph, block: number) {
    this.graph = graph;
    this.block = block;
  }

  op(
    op: string,
    inputs: readonly (Value | null)[],
    dims: readonly number[],
    attributes: Attributes = {},
    domain = "",
  ): Value {
    const value = new Value(this.graph.uniqueName(`blocked/${op}_out`), { dtype: "float32", dims });
    const name = this.graph.uniqueName(`blocked/${op}`);
    this.graph.addNode({ op, domain, name, inputs, outputs: [value], attributes });
    return value;
  }

  constant(key: string, build: () => Value["initializer"]): Value {
    let value = this.#constants.get(key);
    if (!value) {
      const data = build();
      value = this.graph.addInitializer("blocked/const", data ?? float32([], [0]));
      this.#constants.set(key, value);
    }
    return value;
  }

  i64(values: readonly number[]): Value {
    return this.constant(`i64 ${values.join()}`, () => ({
      dtype: "int64",
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  }

  f32(values: readonly number[], dims: readonly number[] = []): Value {
    return this.constant(`f32 ${dims.join()} ${values.join()}`, () => float32(dims, values));
  }

  reshape(x: Value, dims: readonly number[]): Value {
    return x.dims?.join() === dims.join() ? x : this.op("Reshape", [x, this.i64(dims)], dims);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    const dims = perm.map((p) => Number(x.dims?.[p]));
    return this.op("Transpose", [x], dims, { perm: ints(perm) });
  }

  concat(parts: readonly Value[], axis: number): Value {
    const [first] = parts;
    if (first && parts.length === 1) return first;
    const dims = (first?.dims ?? []).map((d, k) =>
      k === axis ? parts.reduce((n, p) => n + Number(p.dims?.[k]), 0) : Number(d),
    );
    return this.op("Concat", parts, dims, { axis: int(axis) });
  }

  /** Sum over the first axis, which goes. */
  sumFirst(x: Value): Value {
    const [first, ...dims] = (x.dims ?? []).map(Number);
    if (first === 1) return this.reshape(x, dims);
    return this.op("ReduceSum", [x, this.i64([0])], dims, { keepdims: int(0) });
  }

  /** Plain `[N, C, H, W]` into blocked memory. */
  toBlocked(x: Value): Value {
    return this.op("ReorderInput", [x], (x.dims ?? []).map(Number), {}, BLOCKED_DOMAIN);
  }

  toPlain(x: Value, channels = Number(x.dims?.[1])): Value {
    const [n = 1, , h = 1, w = 1] = (x.dims ?? []).map(Number);
    return this.op(
      "ReorderOutput",
      [x],
      [n, channels, h, w],
      { channels: int(channels) },
      BLOCKED_DOMAIN,
    );
  }

  /**
   * Convolution of blocked `x` with a filter that already lies as the kernel wants it.
   * @param outputs output channels
   */
  convRaw(
    x: Value,
    filter: Value,
    outputs: number,
    { kernel, strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0] }: BlockedWindow,
    { group = 1, bias, sum }: { group?: number; bias?: Value; sum?: Value } = {},
  ): Value {
    const [n = 1, , h = 1, w = 1] = (x.dims ?? []).map(Number);
    const side = (length: number, i: 0 | 1): number => {
      const reach = (kernel[i] - 1) * dilations[i] + 1;
      return Math.floor((length + pads[i] + pads[(i + 2) as 2 | 3] - reach) / strides[i]) + 1;
    };
    const inputs = [x, filter, ...(sum ? [bias ?? null, sum] : bias ? [bias] : [])];
    return this.op(
      "Conv",
      inputs,
      [n, outputs, side(h, 0), side(w, 1)],
      {
        kernel_shape: ints(kernel),
        strides: ints(strides),
        dilations: ints(dilations),
        pads: ints(pads),
        group: int(group),
        auto_pad: str("NOTSET"),
      },
      BLOCKED_DOMAIN,
    );
  }

  /** One number a channel times each pixel, and another added: `a·x + c (+ sum)`. @param a `[C]` @param c `[C]` */
  affine(x: Value, a: Value, c: Value | undefined, sum?: Value): Value {
    const channels = Number(x.dims?.[1]);
    const filter = this.reshape(a, [channels, 1, 1, 1]);
    return this.convRaw(
      x,
      filter,
      channels,
      { kernel: [1, 1] },
      {
        group: channels,
        ...(c ? { bias: c } : {}),
        ...(sum ? { sum } : {}),
      },
    );
  }

  /** Σ over pixels and images per channel, `[C]`. */
  channelSum(x: Value): Value {
    const [n = 1, c = 1, h = 1, w = 1] = (x.dims ?? []).map(Number);
    const means = this.op("GlobalAveragePool", [x], [n, c, 1, 1], {}, BLOCKED_DOMAIN);
    const sum = this.sumFirst(this.reshape(means, [n, c]));
    return this.op("Mul", [sum, this.f32([h * w])], [c]);
  }

  /** Σ u·v over pixels and images per channel, `[C]`: v as the kernels of a convolution of u. */
  channelDot(u: Value, v: Value): Value {
    const [n = 1, c = 1, h = 1, w = 1] = (u.dims ?? []).map(Number);
    const products = this.convRaw(
      this.reshape(u, [1, n * c, h, w]),
      this.reshape(v, [n * c, 1, h, w]),
      n * c,
      { kernel: [h, w] },
      { group: n * c },
    );
    return this.sumFirst(this.reshape(products, [n, c]));
  }
}
