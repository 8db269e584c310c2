import { throwIfAborted, type OnProgress } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import { parseModel, serializeModel, toFloat16, type Model, type Node } from "../onnx/index.js";
import { annotate, type AnnotateOptions, type Annotation } from "./annotate.js";
import { audit, compareKernels } from "./audit.js";
import { calibrate, type Calibration, type CalibrationIdentity, type Feeds } from "./calibrate.js";
import type { LintIssue } from "./lint.js";
import { lintOrtCpu } from "./lint-ort-cpu.js";
import { lintTensorRt } from "./lint-tensorrt.js";
import { lowerForOrtCpu } from "./lower-ort-cpu.js";
import { lowerForTensorRt } from "./lower-tensorrt.js";
import type { InputDims } from "./macs.js";
import { planFor, plannedValues, type QuantizationTarget, type TargetPlan } from "./plan.js";
import { prepare } from "./prepare.js";
import { loadCalibrationPreset, type CalibrationPreset } from "./preset.js";

export type VariantPrecision = "fp32" | "fp16" | "int8";

/** One form of a model, ready to be written, and what is known of it. */
export interface Variant {
  /** `fp32`, `fp16`, `int8-ort-cpu`, `int8-tensorrt`. */
  readonly name: string;
  readonly precision: VariantPrecision;
  readonly target: "any" | QuantizationTarget;
  /** Serialized ONNX model. */
  readonly bytes: Uint8Array;
  /** Convolutions in integer kernels, and all. As lowered, when not `audited`. */
  readonly integerConvs: readonly [number, number];
  /** Multiply-accumulates in integer kernels over all; 0 to 1. As lowered, when not `audited`. */
  readonly integerMacShare: number;
  /** Whether both figures were read off the graph that the engine really runs. */
  readonly audited: boolean;
  readonly notes: readonly string[];
}

export interface QuantizedVariants {
  readonly variants: readonly Variant[];
  /** Absent when no int8 variant was asked for. */
  readonly calibration: CalibrationIdentity | undefined;
}

export interface QuantizeVariantsOptions extends Pick<
  AnnotateOptions,
  "keepFloat" | "stem" | "headOutputs"
> {
  engine: Engine;
  /** Inputs of the model made from calibration images, each as the device would make it. */
  calibrationSamples?: AsyncIterable<Feeds> | Iterable<Feeds>;
  targets?: readonly QuantizationTarget[];
  precisions?: readonly VariantPrecision[];
  /** A preset, or the id or path of one. */
  preset?: CalibrationPreset | string;
  /** 7-bit weights in the ort-cpu variant, for x64 CPUs without VNNI. */
  reduceRange?: boolean;
  /** Takes the mean error of rounding the weights out of the biases. Default true. */
  biasCorrection?: boolean;
  /** Name in messages. */
  name?: string;
  /** Threads of the calibration run. */
  intraOpThreads?: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/**
 * Makes every variant of a float32 model: as it is, in float16, and in int8 for each target. Writes nothing to disk.
 * @throws QUANTIZE_ALREADY_QUANTIZED, QUANTIZE_OPSET, QUANTIZE_NOTHING, QUANTIZE_TOO_FEW_SAMPLES, QUANTIZE_NON_FINITE,
 * QUANTIZE_PRESET_UNKNOWN, QUANTIZE_PRESET_INVALID, ONNX_CORRUPT, INTERRUPTED
 */
export async function quantizeVariants(
  modelBytes: Uint8Array,
  {
    engine,
    calibrationSamples = [],
    targets = ["ort-cpu", "tensorrt"],
    precisions = ["fp32", "fp16", "int8"],
    preset = "default",
    reduceRange = false,
    biasCorrection = true,
    name = "model.onnx",
    intraOpThreads,
    onProgress,
    signal,
    ...policy
  }: QuantizeVariantsOptions,
): Promise<QuantizedVariants> {
  const model = prepare(parseModel(modelBytes, { name }));
  const wantsInt8 = precisions.includes("int8");
  const samples = await peek(calibrationSamples);
  const annotation = annotate(model, { ...policy, inputDims: samples.inputDims });
  const variants: Variant[] = [];
  const report = (stage: string, fraction: number): void => onProgress?.({ stage, fraction });

  if (precisions.includes("fp32")) {
    report("fp32", 0);
    variants.push(
      await audited({ name: "fp32", precision: "fp32", target: "any" }, model, { engine, samples }),
    );
  }
  if (precisions.includes("fp16")) {
    throwIfAborted(signal, "converting to float16");
    report("fp16", 0.1);
    variants.push(
      unaudited({ name: "fp16", precision: "fp16", target: "any" }, toFloat16(model), samples, [
        "float16 kernels are not measured on a CPU",
      ]),
    );
  }
  if (!wantsInt8) return { variants, calibration: undefined };

  const plans = targets.map((target) => planFor(annotation, target));
  const calibration = await calibrate(model, samples.all, {
    engine,
    preset: typeof preset === "string" ? await loadCalibrationPreset(preset) : preset,
    values: [...new Set(plans.flatMap(plannedValues))],
    ...(intraOpThreads === undefined ? {} : { intraOpThreads }),
    onProgress: (p) => onProgress?.({ ...p, fraction: 0.1 + 0.7 * p.fraction }),
    ...(signal ? { signal } : {}),
  });
  for (const plan of plans) {
    throwIfAborted(signal, `lowering for ${plan.target}`);
    report(`int8-${plan.target}`, 0.8);
    variants.push(
      await int8Variant(plan, calibration, { engine, samples, reduceRange, biasCorrection }),
    );
  }
  report("quantized", 1);
  return { variants, calibration: calibration.identity };
}

type VariantLabel = Pick<Variant, "name" | "precision" | "target">;

interface Samples {
  readonly all: AsyncIterable<Feeds>;
  readonly inputDims: InputDims;
}

async function int8Variant(
  plan: TargetPlan,
  calibration: Calibration,
  options: { engine: Engine; samples: Samples; reduceRange: boolean; biasCorrection: boolean },
): Promise<Variant> {
  const { target, annotation } = plan;
  const label: VariantLabel = { name: `int8-${target}`, precision: "int8", target };
  const notes = floatNotes(plan.float, annotation);
  if (target === "tensorrt") {
    const lowered = lowerForTensorRt(plan, calibration, options);
    return unaudited(label, lowered, options.samples, [
      "not yet run on TensorRT",
      ...notes,
      ...lintNotes(lintTensorRt(lowered)),
    ]);
  }
  const lowered = lowerForOrtCpu(plan, calibration, options);
  return audited(label, lowered, options, [...notes, ...lintNotes(lintOrtCpu(lowered))]);
}

async function audited(
  label: VariantLabel,
  model: Model,
  { engine, samples: { inputDims } }: { engine: Engine; samples: Samples },
  notes: readonly string[] = [],
): Promise<Variant> {
  const bytes = serializeModel(model);
  const { integerConvs, integerMacShare } = await audit(bytes, { engine, inputDims });
  return { ...label, bytes, integerConvs, integerMacShare, audited: true, notes };
}

/** Figures of a graph as it is written: DequantizeLinear on both sides of a weighted node counts as integer. */
function unaudited(
  label: VariantLabel,
  model: Model,
  { inputDims }: Samples,
  notes: readonly string[],
): Variant {
  const { integerConvs, integerMacShare } = compareKernels(model, model, {
    inputDims,
    asWritten: true,
  });
  return {
    ...label,
    bytes: serializeModel(model),
    integerConvs,
    integerMacShare,
    audited: false,
    notes,
  };
}

function floatNotes(float: ReadonlyMap<Node, string>, { macs }: Annotation): string[] {
  let all = 0;
  for (const n of macs.values()) all += n;
  const byReason = new Map<string, { count: number; macs: number }>();
  for (const [node, reason] of float) {
    const entry = byReason.get(reason) ?? { count: 0, macs: 0 };
    byReason.set(reason, {
      count: entry.count + 1,
      macs: entry.macs + (macs.get(node.outputs[0]?.name ?? "") ?? 0),
    });
  }
  return [...byReason].map(([reason, { count, macs: part }]) => {
    const share =
      all > 0 ? `, ${((100 * part) / all).toFixed(1)} % of the multiply-accumulates` : "";
    return `${String(count)} nodes stay float: ${reason}${share}`;
  });
}

function lintNotes(issues: readonly LintIssue[]): string[] {
  return issues.map(({ rule, node, message }) => `rule ${rule}, node "${node}": ${message}`);
}

/** Looks at the first sample without losing it. */
async function peek(samples: AsyncIterable<Feeds> | Iterable<Feeds>): Promise<Samples> {
  const iterator =
    Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
  const first = await iterator.next();
  const inputDims = first.done
    ? {}
    : Object.fromEntries(Object.entries(first.value).map(([name, t]) => [name, t.dims]));
  async function* all(): AsyncGenerator<Feeds> {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { all: all(), inputDims };
}
