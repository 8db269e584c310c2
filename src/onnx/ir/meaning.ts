import type { Value } from "./value.js";

/**
 * What a value is, where the nodes that compute it are one formulation among several: a backend that has a faster one
 * takes it from this.
 */
export type Meaning =
  | {
      /** dw `[M, C / groups, kH, kW]` of y = conv(x, w), from x `[N, C, H, W]` and dy `[N, M, rows, columns]`. */
      kind: "conv-weight-gradient";
      x: Value;
      dy: Value;
      kernel: readonly [number, number];
      strides: readonly [number, number];
      dilations: readonly [number, number];
      /** top, left, bottom, right */
      pads: readonly [number, number, number, number];
      groups: number;
    }
  | {
      /** A filter `w` `[M, C, kH, kW]` with its channels exchanged and its taps turned around, `[C, M, kH, kW]`. */
      kind: "turned-filter";
      w: Value;
    }
  | {
      /** Σ u·v over all axes but the second, `[C]`. */
      kind: "channel-dot";
      u: Value;
      v: Value;
    };

const meanings = new WeakMap<Value, Meaning>();

/** Declares what `value` is; its nodes stay as they are. @returns the value */
export function withMeaning(value: Value, meaning: Meaning): Value {
  meanings.set(value, meaning);
  return value;
}

export function meaningOf(value: Value): Meaning | undefined {
  return meanings.get(value);
}
