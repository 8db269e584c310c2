import type { Dim, Value } from "../ir/index.js";

/** Elements of a small scalar or vector as far as they are known: number, symbol, or undefined. */
export type KnownElements = readonly (Dim | undefined)[];

const LIMIT = 64;
const computed = new WeakMap<Value, KnownElements>();

/**
 * What is known of a value's content: constants of rank 0 or 1 with at most 64 elements, and what shape inference
 * has followed through `Shape → Gather → Concat` chains.
 */
export function knownElements(value: Value): KnownElements | undefined {
  const { initializer } = value;
  if (!initializer) return computed.get(value);
  if (initializer.dims.length > 1 || initializer.data.length > LIMIT) return undefined;
  switch (initializer.dtype) {
    case "string":
    case "float16":
    case "bfloat16":
      return undefined;
    default:
      return Array.from(initializer.data as ArrayLike<number | bigint>, Number);
  }
}

/** Remembers what is known of a node's output; undefined forgets it. */
export function rememberElements(value: Value, elements: KnownElements | undefined): void {
  if (elements && elements.length <= LIMIT) computed.set(value, elements);
  else computed.delete(value);
}
