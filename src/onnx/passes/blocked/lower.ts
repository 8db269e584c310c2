import { ints, meaningOf, type Graph, type Node, type Value } from "../../ir/index.js";
import {
  denseFilter,
  hasBlockedConv,
  outputBlockedFilter,
  stride2InputGradient,
  turnedFilter,
  weightGradient,
} from "./conv.js";
import { BLOCKED_DOMAIN, BlockedWriter } from "./layout.js";
import { axesOf, CONDITIONS, ELEMENTWISE, isScalar, shapeOf, windowOf } from "./node-facts.js";

/** All but the channels. */
const CHANNEL_AXES = "0,2,3";

/** Gives values their twins in blocked layout, node by node; what has none stays plain. */
class Lowering {
  readonly #b: BlockedWriter;
  /** Blocked twins of plain values. */
  readonly #twins = new Map<Value, Value>();
  /** Blocked forms of values that stay plain. */
  readonly #entered = new Map<Value, Value>();
  readonly #left = new Map<Value, Value>();

  readonly #standIns: ReadonlyMap<Value, Value>;

  constructor(graph: Graph, block: number, standIns: ReadonlyMap<Value, Value>) {
    this.#standIns = standIns;
    this.#b = new BlockedWriter(graph, block);
  }

  twin(x: Value | null | undefined): Value | undefined {
    return x ? this.#twins.get(x) : undefined;
  }

  /** The twin, or `x` reordered. Undefined where its channels do not fill blocks. */
  #blocked(x: Value | null | undefined): Value | undefined {
    if (!x) return undefined;
    const shape = shapeOf(x);
    const known = this.#twins.get(x) ?? this.#entered.get(x);
    if (known || !shape || shape[1] % this.#b.block !== 0) return known;
    const entered = this.#b.toBlocked(x);
    this.#entered.set(x, entered);
    return entered;
  }

  /** The plain form of a value that has a twin. */
  plain(x: Value): Value {
    const twin = this.#twins.get(x);
    // there is no reordering of truth values: whoever reads them plainly has them computed plainly
    if (twin?.dtype !== "float32") return x;
    let left = this.#left.get(x);
    if (!left) {
      left = this.#b.toPlain(twin);
      this.#left.set(x, left);
    }
    return left;
  }

  /** Handles one node. @returns a plain value that stands for the node's first output, if it is not a twin */
  lower(node: Node): Value | undefined {
    const [y] = node.outputs;
    if (!y || node.domain !== "" || node.outputs.length !== 1) return undefined;
    const meaning = meaningOf(y);
    if (meaning?.kind === "channel-dot") return this.#channelDot(meaning.u, meaning.v);
    if (meaning?.kind === "conv-weight-gradient") {
      const dy = this.#blocked(meaning.dy);
      const few = (shapeOf(meaning.x)?.[1] ?? 0) < this.#b.block && meaning.groups === 1;
      const x = few ? meaning.x : this.#blocked(meaning.x);
      return dy && x ? weightGradient(this.#b, meaning, x, dy) : undefined;
    }
    if (node.op === "ReduceSum") return this.#channelSum(node);
    const twin = this.#twinOf(node, y);
    if (twin) this.#twins.set(y, twin);
    return undefined;
  }

  #twinOf(node: Node, y: Value): Value | undefined {
    switch (node.op) {
      case "Conv":
        return this.#conv(node, y);
      case "ConvTranspose":
        return this.#convTranspose(node, y);
      case "BatchNormalization":
        return this.#batchNormalization(node);
      case "Relu":
        return this.#relu(node) ?? this.#elementwise(node, y);
      case "Add":
        return this.#sum(node) ?? this.#elementwise(node, y);
      case "Mul":
        return this.#perChannel(node) ?? this.#elementwise(node, y);
      case "Resize":
        return this.#upsample(node, y);
      case "AveragePool":
        return this.#averagePool(node, y);
      case "Concat":
        return this.#concat(node);
      default:
        return ELEMENTWISE.has(node.op) || CONDITIONS.has(node.op)
          ? this.#elementwise(node, y)
          : undefined;
    }
  }

  #conv(node: Node, y: Value): Value | undefined {
    const [x, w, bias] = node.inputs;
    const [input, output, kernel] = [shapeOf(x), shapeOf(y), shapeOf(w)];
    if (!x || !w || !input || !output || !kernel) return undefined;
    if (node.string("auto_pad", "NOTSET") !== "NOTSET") return undefined;
    const groups = node.int("group", 1);
    const kind = hasBlockedConv(this.#b.block, { inputs: input[1], outputs: output[1], groups });
    if (kind === undefined) return undefined;
    // one-hot and whole-map kernels of plain formulations: their values have a meaning, or stay as they are
    const wholeMap = kernel[2] === input[2] && kernel[3] === input[3] && output[2] === 1;
    if (kind === "depthwise" && (w.initializer || wholeMap)) return undefined;
    const from = kind === "stem" ? this.plain(x) : this.#blocked(x);
    if (!from) return undefined;
    const filter = this.#filter(w, kind);
    return this.#b.convRaw(from, filter, output[1], windowOf(node, kernel), {
      group: kind === "depthwise" ? groups : 1,
      ...(bias ? { bias } : {}),
    });
  }

  #filter(w: Value, kind: "dense" | "depthwise" | "stem"): Value {
    if (kind !== "dense") return outputBlockedFilter(this.#b, w);
    const meaning = meaningOf(w);
    if (meaning?.kind !== "turned-filter") return denseFilter(this.#b, w);
    return turnedFilter(this.#b, this.#standIns.get(meaning.w) ?? meaning.w);
  }

  #convTranspose(node: Node, y: Value): Value | undefined {
    const [dy, w] = node.inputs;
    const [input, output, kernel] = [shapeOf(dy), shapeOf(y), shapeOf(w)];
    if (!dy || !w || !input || !output || !kernel || node.inputs.length > 2) return undefined;
    const { strides, dilations, pads } = windowOf(node, kernel);
    const [, , kh, kw] = kernel;
    const pad = kh === 3 ? 1 : 0;
    const groups = node.int("group", 1);
    const depthwise = groups > 1 && groups === input[1] && input[1] === output[1];
    const known =
      (groups === 1 || (depthwise && kh === 3)) &&
      kh === kw &&
      (kh === 1 || kh === 3) &&
      strides.every((s) => s === 2) &&
      dilations.every((d) => d === 1) &&
      pads[0] === pad &&
      pads[1] === pad &&
      output[2] === 2 * input[2] &&
      output[3] === 2 * input[3] &&
      input[1] % this.#b.block === 0 &&
      output[1] % this.#b.block === 0;
    const from = known ? this.#blocked(dy) : undefined;
    return from ? stride2InputGradient(this.#b, from, w, { depthwise }) : undefined;
  }

  #batchNormalization(node: Node): Value | undefined {
    const [x, scale, bias, mean, variance] = node.inputs;
    const from = this.twin(x);
    if (!from || !scale || !bias || !mean || !variance) return undefined;
    const b = this.#b;
    const dims = (scale.dims ?? []).map(Number);
    const spread = b.op(
      "Sqrt",
      [b.op("Add", [variance, b.f32([node.float("epsilon", 1e-5)])], dims)],
      dims,
    );
    const a = b.op("Div", [scale, spread], dims);
    const c = b.op("Sub", [bias, b.op("Mul", [mean, a], dims)], dims);
    return b.affine(from, a, c);
  }

  /** Read by one node and not put out: what is done to it can be done where it is made. */
  #hasOneReader(x: Value): boolean {
    return x.uses().length === 1 && !this.#b.graph.outputs.includes(x);
  }

  /** A Relu right behind a convolution that nothing else reads is the convolution's own. */
  #relu(node: Node): Value | undefined {
    const [x] = node.inputs;
    const from = this.twin(x);
    const producer = from?.producer();
    if (!x || !from || producer?.domain !== BLOCKED_DOMAIN || producer.op !== "Conv")
      return undefined;
    if (!this.#hasOneReader(x) || producer.attributes.has("activation")) return undefined;
    producer.attributes.set("activation", { type: "string", value: "Relu" });
    return from;
  }

  /** A sum of a per-channel scaling that nothing else reads, and another map: both in one pass. */
  #sum(node: Node): Value | undefined {
    const [p, q] = node.inputs;
    if (shapeOf(p)?.join() !== shapeOf(q)?.join() || p === q) return undefined;
    for (const [scaled, other] of [
      [p, q],
      [q, p],
    ]) {
      const conv = this.twin(scaled)?.producer();
      const rest = this.#twins.get(other as Value);
      if (!scaled || !conv || !rest || conv.domain !== BLOCKED_DOMAIN || conv.op !== "Conv")
        continue;
      const [x, filter, bias, sum] = conv.inputs;
      const isAffine = conv.ints("kernel_shape")?.join() === "1,1" && conv.int("group", 1) > 1;
      const isPlain =
        conv.ints("strides")?.every((n) => n === 1) && conv.ints("pads")?.every((n) => n === 0);
      if (!x || !filter || sum || !isAffine || !isPlain || !this.#hasOneReader(scaled)) continue;
      if (conv.attributes.has("activation")) continue;
      return this.#b.affine(x, filter, bias ?? undefined, rest);
    }
    return undefined;
  }

  /** Times one number a channel. */
  #perChannel(node: Node): Value | undefined {
    for (const [x, a] of [node.inputs, [...node.inputs].reverse()]) {
      const from = this.twin(x);
      const dims = a?.staticDims() ?? [];
      const channels = Number(from?.dims?.[1]);
      const fits =
        a &&
        dims.length >= 3 &&
        dims.length <= 4 &&
        dims.at(-3) === channels &&
        dims.at(-1) === 1 &&
        dims.at(-2) === 1 &&
        (dims.length === 3 || dims[0] === 1);
      if (from && fits) return this.#b.affine(from, a, undefined);
    }
    return undefined;
  }

  #elementwise(node: Node, y: Value): Value | undefined {
    const shape = y.staticDims();
    if (shape?.length !== 4 || Number(shape[1]) % this.#b.block !== 0) return undefined;
    const same = (x: Value | null): boolean => x?.staticDims()?.join() === shape.join();
    const maps = node.inputs.filter(same);
    if (!maps.some((x) => this.twin(x)) || !node.inputs.every((x) => same(x) || isScalar(x)))
      return undefined;
    const inputs = node.inputs.map((x) => (same(x) ? (this.#blocked(x) ?? null) : x));
    // truth values enter only as results of blocked comparisons
    if (inputs.some((x, i) => x === null && node.inputs[i])) return undefined;
    const result = this.#b.op(node.op, inputs, shape, Object.fromEntries(node.attributes));
    result.dtype = y.dtype;
    return result;
  }

  #upsample(node: Node, y: Value): Value | undefined {
    const [x] = node.inputs;
    const [input, output] = [shapeOf(x), shapeOf(y)];
    const from = this.twin(x);
    const asymmetric =
      node.string("mode", "nearest") === "nearest" &&
      node.string("coordinate_transformation_mode", "half_pixel") === "asymmetric" &&
      node.string("nearest_mode", "round_prefer_floor") === "floor";
    if (!input || !output || !from || !asymmetric) return undefined;
    const scales = output.map((d, i) => d / (input[i] ?? 1));
    if (!scales.every(Number.isInteger) || scales[0] !== 1 || scales[1] !== 1) return undefined;
    return this.#b.op(
      "Upsample",
      [from],
      output,
      { scales: ints(scales), mode: { type: "string", value: "nearest" } },
      BLOCKED_DOMAIN,
    );
  }

  #averagePool(node: Node, y: Value): Value | undefined {
    const from = this.twin(node.inputs[0]);
    const output = shapeOf(y);
    const padded = node.ints("pads")?.some((p) => p !== 0) ?? false;
    if (!from || !output || padded || node.int("ceil_mode", 0) !== 0) return undefined;
    if (node.string("auto_pad", "NOTSET") !== "NOTSET") return undefined;
    const kernel = node.ints("kernel_shape") ?? [1, 1];
    return this.#b.op(
      "AveragePool",
      [from],
      output,
      {
        kernel_shape: ints(kernel),
        strides: ints(node.ints("strides") ?? [1, 1]),
        pads: ints([0, 0, 0, 0]),
      },
      BLOCKED_DOMAIN,
    );
  }

  #concat(node: Node): Value | undefined {
    if (node.int("axis", 0) !== 1 || !node.inputs.some((x) => this.twin(x))) return undefined;
    const parts = node.inputs.map((x) => this.#blocked(x));
    return parts.every((p) => p !== undefined) ? this.#b.concat(parts, 1) : undefined;
  }

  #channelSum(node: Node): Value | undefined {
    const from = this.twin(node.inputs[0]);
    const axes = axesOf(this.#b.graph, node);
    return from && axes?.join() === CHANNEL_AXES && node.int("keepdims", 1) === 0
      ? this.#b.channelSum(from)
      : undefined;
  }

  #channelDot(u: Value, v: Value): Value | undefined {
    const [p, q] = [this.#blocked(u), this.#blocked(v)];
    return p && q && (this.twin(u) || this.twin(v)) ? this.#b.channelDot(p, q) : undefined;
  }
}

/** Puts `to` in the place and under the name of the graph output `from`. */
function takeOutput(graph: Graph, from: Value, to: Value): void {
  if (!graph.outputs.includes(from)) return;
  [from.name, to.name] = [to.name, from.name];
  graph.replaceOutput(from, to);
}

/**
 * Rewrites convolutions, what stands between them and their gradients to the CPU engine's kernels in blocked layout. What
 * has no such kernel stays as it is, between reorderings.
 * @param block floats of a block, as probed from the engine; a wrong one gives wrong numbers
 * @param standIns values that have been put in the place of others since the gradients were written
 */
export function lowerToBlocked(
  graph: Graph,
  { block, standIns = new Map() }: { block: number; standIns?: ReadonlyMap<Value, Value> },
): void {
  graph.sortTopologically();
  const lowering = new Lowering(graph, block, standIns);
  const nodes = [...graph.nodes];
  for (const node of nodes) {
    const [y] = node.outputs;
    const replacement = lowering.lower(node);
    if (!y || !replacement) continue;
    y.replaceAllUsesWith(replacement);
    takeOutput(graph, y, replacement);
  }
  // what stays plain reads the twins' plain forms
  for (const node of nodes)
    node.inputs.forEach((x, index) => {
      if (x && lowering.twin(x)) node.setInput(index, lowering.plain(x));
    });
  for (const y of [...graph.outputs]) if (lowering.twin(y)) takeOutput(graph, y, lowering.plain(y));
  graph.sortTopologically();
  graph.removeDeadNodes();
}
