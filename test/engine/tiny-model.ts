/** A hand-made ONNX file of one node: enough protobuf to test the engine without the onnx room. */

export type Dim = number | string;

export const ELEM_TYPE = {
  float32: 1,
  uint8: 2,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
} as const;
export type TinyType = keyof typeof ELEM_TYPE;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, content: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): number[] =>
  bytes(field, [...new TextEncoder().encode(value)]);

function valueInfo(name: string, type: TinyType, dims: readonly Dim[]): number[] {
  const shape = dims.flatMap((dim) =>
    bytes(1, typeof dim === "number" ? number(1, dim) : text(2, dim)),
  );
  return [
    ...text(1, name),
    ...bytes(2, bytes(1, [...number(1, ELEM_TYPE[type]), ...bytes(2, shape)])),
  ];
}

interface Port {
  name: string;
  type: TinyType;
  dims: readonly Dim[];
}

/** `op(inputs…) → outputs…` as ONNX bytes, opset 17 unless told. */
export function tinyModel(
  op: string,
  {
    inputs,
    outputs,
    opset = 17,
  }: { inputs: readonly Port[]; outputs: readonly Port[]; opset?: number },
): Uint8Array {
  const node = [
    ...inputs.flatMap((port) => text(1, port.name)),
    ...outputs.flatMap((port) => text(2, port.name)),
    ...text(3, "only"),
    ...text(4, op),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, "tiny"),
    ...inputs.flatMap((port) => bytes(11, valueInfo(port.name, port.type, port.dims))),
    ...outputs.flatMap((port) => bytes(12, valueInfo(port.name, port.type, port.dims))),
  ];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, opset))]);
}

/** A model that returns its one input `x` as `y`. */
export function identity(type: TinyType, dims: readonly Dim[]): Uint8Array {
  return tinyModel("Identity", {
    inputs: [{ name: "x", type, dims }],
    outputs: [{ name: "y", type, dims }],
  });
}

/** `y = a · b` for square matrices of side `n`: as heavy as asked. */
export function matmul(n: number): Uint8Array {
  const port = (name: string): Port => ({ name, type: "float32", dims: [n, n] });
  return tinyModel("MatMul", { inputs: [port("a"), port("b")], outputs: [port("y")] });
}
