import { int, Value, type Graph, type Model, type Node } from "../onnx/index.js";
import type { HostTensor } from "../tensor/index.js";

/** How an activation's real numbers stand as 8-bit integers: real = scale · (q - zeroPoint). */
export interface ActivationGrid {
  readonly dtype: "uint8" | "int8";
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface QdqWriter {
  /**
   * Appends a QuantizeLinear / DequantizeLinear pair behind a value and returns the dequantized one. Nothing is rewired.
   * Grids with the same `key` share their constants.
   */
  pair(value: Value, grid: ActivationGrid, key: string): Value;
  /** An integer constant and its DequantizeLinear, in front of `before`. Same name, same content: shared constant. */
  constant(
    name: string,
    data: HostTensor<"int8" | "uint8" | "int32">,
    options: { scale: Float32Array | number; zeroPoint?: number; axis?: number; before: Node },
  ): Value;
}

/** Writes QuantizeLinear and DequantizeLinear nodes into a model. */
export function createQdqWriter({ graph }: Model): QdqWriter {
  const scales = new Map<string, { scale: Value; zeroPoint: Value }>();
  const constants = new Map<string, { data: Value; scale: Value; zeroPoint: Value | null }>();
  return {
    pair(value, grid, key) {
      const shared = scales.get(key) ?? gridConstants(graph, grid, key);
      scales.set(key, shared);
      const { scale, zeroPoint } = shared;
      const { dims } = value;
      const q = new Value(graph.uniqueName(`${value.name}_quantized`), { dtype: grid.dtype, dims });
      const dq = new Value(graph.uniqueName(`${value.name}_dequantized`), {
        dtype: "float32",
        dims,
      });
      const producer = value.producer();
      const first = graph.nodes[0];
      const place = producer ? { after: producer } : first ? { before: first } : {};
      const quantize = graph.addNode(
        {
          op: "QuantizeLinear",
          name: graph.uniqueName(`${value.name}_QuantizeLinear`),
          inputs: [value, scale, zeroPoint],
          outputs: [q],
        },
        place,
      );
      graph.addNode(
        {
          op: "DequantizeLinear",
          name: graph.uniqueName(`${value.name}_DequantizeLinear`),
          inputs: [q, scale, zeroPoint],
          outputs: [dq],
        },
        { after: quantize },
      );
      return dq;
    },
    constant(name, data, { scale, zeroPoint, axis, before }) {
      const content = constants.get(name) ?? {
        data: graph.addInitializer(name, data),
        scale: graph.addInitializer(`${name}_scale`, scaleTensor(scale)),
        zeroPoint:
          zeroPoint === undefined
            ? null
            : graph.addInitializer(`${name}_zero_point`, {
                dtype: data.dtype,
                dims: typeof scale === "number" ? [] : [scale.length],
                data: data.data
                  .slice(0, typeof scale === "number" ? 1 : scale.length)
                  .fill(zeroPoint),
              }),
      };
      constants.set(name, content);
      const out = new Value(graph.uniqueName(`${name}_dequantized`), {
        dtype: "float32",
        dims: data.dims,
      });
      graph.addNode(
        {
          op: "DequantizeLinear",
          name: graph.uniqueName(`${name}_DequantizeLinear`),
          inputs: [content.data, content.scale, ...(content.zeroPoint ? [content.zeroPoint] : [])],
          outputs: [out],
          attributes: axis === undefined ? {} : { axis: int(axis) },
        },
        { before },
      );
      return out;
    },
  };
}

function scaleTensor(scale: Float32Array | number): HostTensor<"float32"> {
  return typeof scale === "number"
    ? { dtype: "float32", dims: [], data: Float32Array.of(scale) }
    : { dtype: "float32", dims: [scale.length], data: scale };
}

function gridConstants(
  graph: Graph,
  { dtype, scale, zeroPoint }: ActivationGrid,
  key: string,
): { scale: Value; zeroPoint: Value } {
  return {
    scale: graph.addInitializer(`${key}_scale`, scaleTensor(scale)),
    zeroPoint: graph.addInitializer(
      `${key}_zero_point`,
      dtype === "uint8"
        ? { dtype, dims: [], data: Uint8Array.of(zeroPoint) }
        : { dtype, dims: [], data: Int8Array.of(zeroPoint) },
    ),
  };
}
