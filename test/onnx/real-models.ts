import { readFileSync } from "node:fs";
import { createRng } from "../../src/base/index.js";
import type { Engine } from "../../src/engine/index.js";
import { serializeModel, type Dim, type Model } from "../../src/onnx/index.js";
import {
  elementCount,
  float32,
  fromFloat16Array,
  type HostTensor,
} from "../../src/tensor/index.js";
import { DATA_FOLDER } from "../support/requirements.js";

const ROOT = `${DATA_FOLDER}/models`;

export interface RealModel {
  name: string;
  path: string;
  input: string;
  dims: readonly number[];
}

export const REAL_MODELS: readonly RealModel[] = [
  {
    name: "squeezenet",
    path: `${ROOT}/squeezenet1_1_fp32/squeezenet1.1_fp32.onnx`,
    input: "data",
    dims: [2, 3, 224, 224],
  },
  {
    name: "mobilenetv2",
    path: `${ROOT}/mobilenetv2_backbone_fp32/mobilenetv2_backbone_fp32.onnx`,
    input: "data",
    dims: [2, 3, 224, 224],
  },
  {
    name: "yolox",
    path: `${ROOT}/yolox_nano/yolox_nano_416x416.onnx`,
    input: "images",
    dims: [1, 3, 416, 416],
  },
];

/** Seeded noise for a model's input, of roughly the spread the model expects. */
export function noise(
  { name, dims }: Pick<RealModel, "name" | "dims">,
  seed = 1,
): HostTensor<"float32"> {
  const rng = createRng(`${name}/${String(seed)}`);
  const scale = name === "yolox" ? 60 : 1;
  return float32(
    dims,
    Float32Array.from({ length: elementCount(dims) }, () =>
      rng.normal(name === "yolox" ? 110 : 0, scale),
    ),
  );
}

/** Runs a model, or bytes, once. */
export async function runOnce(
  engine: Engine,
  model: Model | Uint8Array | string,
  feeds: Record<string, HostTensor>,
): Promise<Record<string, HostTensor>> {
  const bytes =
    typeof model === "string" || model instanceof Uint8Array ? model : serializeModel(model);
  await using session = await engine.createSession(bytes);
  return await session.run(feeds);
}

/** Content as numbers, whatever the float type. */
export function numbers({ dtype, data }: HostTensor): Float32Array {
  if (dtype === "float16") return fromFloat16Array(data as Uint16Array);
  return data instanceof Float32Array
    ? data
    : Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Largest difference relative to the largest magnitude of `expected`. */
export function relativeError(actual: HostTensor, expected: HostTensor): number {
  const a = numbers(actual);
  const e = numbers(expected);
  if (a.length !== e.length) return Infinity;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < e.length; i++) {
    largest = Math.max(largest, Math.abs(e[i] ?? 0));
    difference = Math.max(difference, Math.abs((a[i] ?? NaN) - (e[i] ?? 0)));
  }
  return difference / largest;
}

export function cosine(actual: HostTensor, expected: HostTensor): number {
  const a = numbers(actual);
  const e = numbers(expected);
  let dot = 0;
  let aa = 0;
  let ee = 0;
  for (let i = 0; i < e.length; i++) {
    const x = a[i] ?? NaN;
    const y = e[i] ?? NaN;
    dot += x * y;
    aa += x * x;
    ee += y * y;
  }
  return dot / Math.sqrt(aa * ee);
}

/** Whether concrete dimensions fit declared ones; each symbol must stand for one number throughout. */
export function dimsFit(
  declared: readonly Dim[] | undefined,
  real: readonly number[],
  symbols: Map<string, number>,
): boolean {
  if (!declared) return false;
  return (
    declared.length === real.length &&
    declared.every((d, i) => {
      const n = real[i] ?? -1;
      if (typeof d === "number") return d === n;
      if (!symbols.has(d)) symbols.set(d, n);
      return symbols.get(d) === n;
    })
  );
}

/** A float32 array of a NumPy `.npy` file. */
export function readNpy(path: string): HostTensor<"float32"> {
  const bytes = readFileSync(path);
  const header = bytes.toString("latin1", 10, 10 + bytes.readUInt16LE(8));
  const dims = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .filter((s) => s.trim() !== "")
    .map(Number);
  if (!header.includes("'<f4'") || header.includes("'fortran_order': True"))
    throw new TypeError(`${path} is no C-ordered float32`);
  const start = 10 + bytes.readUInt16LE(8);
  return float32(
    dims,
    new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.byteLength),
    ),
  );
}
