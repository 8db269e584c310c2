import type { DType, HostTensor } from "../../tensor/index.js";
import type { Node } from "./node.js";

/** A dimension: known, or a symbol such as "N". */
export type Dim = number | string;

/** One consuming edge: `node.inputs[index]` is the value. */
export interface Use {
  readonly node: Node;
  readonly index: number;
}

/**
 * An edge of the graph: a graph input, an initializer, or a node's output.
 * Uses and producer are kept by {@link Node} and `Graph`; nothing else edits them.
 */
export class Value {
  name: string;
  dtype: DType | undefined;
  /** undefined = unknown rank */
  dims: readonly Dim[] | undefined;
  /** Constant content when the value is an initializer. */
  initializer: HostTensor | undefined;
  #producer: Node | null = null;
  #uses: Use[] = [];

  constructor(
    name: string,
    {
      dtype,
      dims,
      initializer,
    }: {
      dtype?: DType | undefined;
      dims?: readonly Dim[] | undefined;
      initializer?: HostTensor;
    } = {},
  ) {
    this.name = name;
    this.dtype = initializer?.dtype ?? dtype;
    this.dims = initializer?.dims ?? dims;
    this.initializer = initializer;
  }

  /** The node that computes this value; null for graph inputs and initializers. */
  producer(): Node | null {
    return this.#producer;
  }

  /** Every consuming edge, in insertion order. */
  uses(): readonly Use[] {
    return this.#uses;
  }

  /** Rewires every use of this value (node inputs only) to `other`. */
  replaceAllUsesWith(other: Value): void {
    for (const { node, index } of [...this.#uses]) node.setInput(index, other);
  }

  /** Concrete dimensions, or undefined when any is symbolic or unknown. */
  staticDims(): readonly number[] | undefined {
    const { dims } = this;
    return dims?.every((d): d is number => typeof d === "number") ? dims : undefined;
  }

  /** @internal kept by Node */
  _link(use: Use): void {
    this.#uses.push(use);
  }

  /** @internal kept by Node */
  _unlink(node: Node, index: number): void {
    const at = this.#uses.findIndex((u) => u.node === node && u.index === index);
    if (at >= 0) this.#uses.splice(at, 1);
  }

  /** @internal kept by Node */
  _setProducer(node: Node | null): void {
    this.#producer = node;
  }
}
