import type { Value } from "../../onnx/index.js";
import { float32 } from "../../tensor/index.js";
import { dimsOf } from "../algebra.js";
import type { RuleContext } from "../rule.js";

/** What an output position along an axis takes from the input: position and weight. */
export type Taps = readonly (readonly [from: number, weight: number])[];

/**
 * The transpose of a linear map along one axis: `[…, outputs, …]` → `[…, length, …]`, by a product with the constant
 * `[outputs, length]` matrix of the map.
 * @param taps one entry an output position
 */
export function transposedAlong(
  c: RuleContext,
  dy: Value,
  { axis, length, taps }: { axis: number; length: number; taps: readonly Taps[] },
): Value {
  const dims = dimsOf(dy);
  const product = (list: readonly number[]): number => list.reduce((n, d) => n * d, 1);
  const [before, after] = [product(dims.slice(0, axis)), product(dims.slice(axis + 1))];
  const outputs = taps.length;
  const matrix = (at: (output: number, from: number) => number, shape: [number, number]): Value => {
    const data = new Float32Array(outputs * length);
    taps.forEach((list, o) => {
      for (const [from, weight] of list) data[at(o, from)] = (data[at(o, from)] ?? 0) + weight;
    });
    const value = c.b.constant(float32(shape, data));
    return c.dtype === "float32" ? value : c.cast(value, c.dtype);
  };
  const dx =
    after === 1
      ? c.op("MatMul", [
          c.reshape(dy, [before, outputs]),
          matrix((o, from) => o * length + from, [outputs, length]),
        ])
      : c.op("MatMul", [
          matrix((o, from) => from * outputs + o, [length, outputs]),
          c.reshape(dy, [before, outputs, after]),
        ]);
  return c.reshape(dx, [...dims.slice(0, axis), length, ...dims.slice(axis + 1)]);
}
