import type { HostTensor } from "../../tensor/index.js";
import type { Graph } from "./graph.js";

/** A node attribute, tagged with its ONNX type so that 1 and 1.0 stay apart. */
export type Attribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "tensor"; readonly value: HostTensor }
  | { readonly type: "graph"; readonly value: Graph };

export type Attributes = Readonly<Record<string, Attribute>>;

export const int = (value: number): Attribute => ({ type: "int", value });
export const ints = (value: readonly number[]): Attribute => ({ type: "ints", value });
export const float = (value: number): Attribute => ({ type: "float", value });
export const floats = (value: readonly number[]): Attribute => ({ type: "floats", value });
export const str = (value: string): Attribute => ({ type: "string", value });
export const tensorAttribute = (value: HostTensor): Attribute => ({ type: "tensor", value });
