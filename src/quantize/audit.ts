import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ioError } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import {
  inferShapes,
  loadModel,
  parseModel,
  type Model,
  type Node,
  type Value,
} from "../onnx/index.js";
import { multiplyAccumulates, type InputDims } from "./macs.js";
import { dequantizer } from "./qdq-view.js";
import { WEIGHTED_OPS } from "./weighted-op.js";

/** Kernels that multiply integers. */
const INTEGER_KERNELS: ReadonlySet<string> = new Set([
  "QLinearConv",
  "ConvInteger",
  "QGemm",
  "QLinearMatMul",
  "MatMulInteger",
  "MatMulIntegerToFloat",
  "DynamicQuantizeMatMul",
]);

/** What the engine really runs of a variant. */
export interface AuditReport {
  /** Convolutions executed by integer kernels, and all. */
  readonly integerConvs: readonly [number, number];
  /** Multiply-accumulates in integer kernels over all of Conv, ConvTranspose, Gemm and MatMul; 0 to 1. */
  readonly integerMacShare: number;
  /** Weighted nodes that run in float, by name. */
  readonly floatNodes: readonly string[];
  /** Nodes of the optimized graph by domain and op, most frequent first. */
  readonly operators: ReadonlyMap<string, number>;
  readonly bytes: number;
}

export interface AuditOptions {
  engine: Engine;
  /** Shapes to assume for inputs with free dimensions; needed for the share. */
  inputDims?: InputDims;
  /** Session configuration the variant will run with. */
  config?: Readonly<Record<string, string>>;
}

/**
 * Loads a variant as the device will, reads back the graph that the engine made of it, and counts integer kernels.
 * @throws ONNX_CORRUPT, ENGINE_LOAD, IO_FAILED
 */
export async function audit(
  variant: Uint8Array,
  { engine, inputDims = {}, config = {} }: AuditOptions,
): Promise<AuditReport> {
  const model = parseModel(variant);
  const optimized = await optimizedModel(variant, { engine, config });
  return { ...compareKernels(model, optimized, { inputDims }), bytes: variant.byteLength };
}

async function optimizedModel(
  variant: Uint8Array,
  { engine, config }: Required<Pick<AuditOptions, "engine" | "config">>,
): Promise<Model> {
  let folder: string;
  try {
    folder = await mkdtemp(join(tmpdir(), "edge-distill-audit-"));
  } catch (error) {
    throw ioError(error, tmpdir(), "writing");
  }
  try {
    const path = join(folder, "optimized.onnx");
    const session = await engine.createSession(variant, {
      name: "variant under audit",
      optimizedModelPath: path,
      config,
    });
    await session.close();
    return await loadModel(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Name of the constant behind a weight, through its DequantizeLinear if it has one. */
function constantName(value: Value | null | undefined): string | undefined {
  if (!value) return undefined;
  if (value.initializer) return value.name;
  const producer = value.producer();
  return producer?.op === "DequantizeLinear" ? constantName(producer.inputs[0]) : undefined;
}

/**
 * Counts which weighted nodes of a model are integer kernels in its optimized form. A node is recognised by its weight,
 * which keeps its name; kernels whose weight was renamed are matched by the weight's shape.
 */
export function compareKernels(
  model: Model,
  optimized: Model,
  {
    inputDims = {},
    asWritten = false,
  }: {
    inputDims?: InputDims;
    /** Count what the graph asks for: weighted nodes between DequantizeLinear nodes. */
    asWritten?: boolean;
  } = {},
): Omit<AuditReport, "bytes"> {
  inferShapes(model);
  const macs = multiplyAccumulates(model, { inputDims });
  const weighted = model.graph.nodes.filter(
    (n) => WEIGHTED_OPS.includes(n.op) && constantName(n.inputs[1]) !== undefined,
  );
  const kernels = optimized.graph.nodes.filter((n) => INTEGER_KERNELS.has(n.op));
  const used = new Map<string, number>();
  const count = (name: string, by: number): number => {
    const now = (used.get(name) ?? 0) + by;
    used.set(name, now);
    return now;
  };
  const anonymous: Node[] = [];
  const names = new Set(weighted.map((n) => constantName(n.inputs[1])));
  for (const kernel of kernels) {
    const name = kernel.inputs.find((v) => v?.initializer && names.has(v.name))?.name;
    if (name === undefined) anonymous.push(kernel);
    else count(name, 1);
  }
  const integer = new Set<Node>();
  if (asWritten)
    for (const node of weighted)
      if (dequantizer(node.inputs[0]) && dequantizer(node.inputs[1])) integer.add(node);
  for (const node of weighted) {
    const name = constantName(node.inputs[1]) ?? "";
    if ((used.get(name) ?? 0) > 0) {
      count(name, -1);
      integer.add(node);
    }
  }
  for (const kernel of anonymous) {
    const match = weighted.find(
      (n) =>
        !integer.has(n) && kernel.inputs.some((v) => v?.initializer && sameShape(v, n.inputs[1])),
    );
    if (match) integer.add(match);
  }
  let all = 0;
  let inIntegers = 0;
  for (const node of weighted) {
    const n = macs.get(node.outputs[0]?.name ?? "") ?? 0;
    all += n;
    if (integer.has(node)) inIntegers += n;
  }
  const convs = weighted.filter((n) => n.op.startsWith("Conv"));
  return {
    integerConvs: [convs.filter((n) => integer.has(n)).length, convs.length],
    integerMacShare: all > 0 ? inIntegers / all : 0,
    floatNodes: weighted.filter((n) => !integer.has(n)).map((n) => n.name),
    operators: operatorCounts(optimized),
  };
}

function sameShape(kernelWeight: Value, weight: Value | null | undefined): boolean {
  const a = kernelWeight.dims;
  const b = weight?.dims;
  return (
    a !== undefined && b !== undefined && a.length === b.length && a.every((d, i) => d === b[i])
  );
}

function operatorCounts({ graph }: Model): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { domain, op } of graph.nodes) {
    const name = domain === "" ? op : `${domain}.${op}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].sort((a, b) => b[1] - a[1]));
}
