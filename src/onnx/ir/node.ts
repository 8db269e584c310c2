import type { Attribute, Attributes } from "./attribute.js";
import { subgraphs } from "./scope.js";
import type { Value } from "./value.js";

export interface NodeInit {
  op: string;
  domain?: string;
  name?: string;
  /** null = an omitted optional input */
  inputs: readonly (Value | null)[];
  outputs: readonly Value[];
  attributes?: Attributes;
}

/** An operator call. Edges change only through {@link setInput} and {@link detach}. */
export class Node {
  readonly op: string;
  /** "" is the default ONNX domain. */
  readonly domain: string;
  name: string;
  readonly attributes: Map<string, Attribute>;
  #inputs: (Value | null)[];
  #outputs: Value[];

  constructor({ op, domain = "", name = "", inputs, outputs, attributes = {} }: NodeInit) {
    this.op = op;
    this.domain = domain;
    this.name = name;
    this.attributes = new Map(Object.entries(attributes));
    this.#inputs = [...inputs];
    this.#outputs = [...outputs];
    this.#inputs.forEach((value, index) => value?._link({ node: this, index }));
    for (const value of this.#outputs) value._setProducer(this);
  }

  get inputs(): readonly (Value | null)[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** Rewires one input edge; extends the input list when index is past its end. */
  setInput(index: number, value: Value | null): void {
    while (this.#inputs.length <= index) this.#inputs.push(null);
    this.#inputs[index]?._unlink(this, index);
    this.#inputs[index] = value;
    value?._link({ node: this, index });
  }

  /** Drops all input edges, also of its subgraphs' nodes, and disowns the outputs; called by `Graph.remove`. */
  detach(): void {
    for (const graph of subgraphs(this)) for (const inner of graph.nodes) inner.detach();
    this.#inputs.forEach((value, index) => value?._unlink(this, index));
    this.#inputs = [];
    for (const value of this.#outputs) if (value.producer() === this) value._setProducer(null);
  }

  int(name: string, fallback: number): number {
    const a = this.attributes.get(name);
    return a?.type === "int" ? a.value : fallback;
  }

  float(name: string, fallback: number): number {
    const a = this.attributes.get(name);
    return a?.type === "float" ? a.value : fallback;
  }

  ints(name: string): readonly number[] | undefined {
    const a = this.attributes.get(name);
    return a?.type === "ints" ? a.value : undefined;
  }

  string(name: string, fallback: string): string {
    const a = this.attributes.get(name);
    return a?.type === "string" ? a.value : fallback;
  }
}
