import { EdgeDistillError } from "../base/index.js";
import type { BundleManifest, BundleVariant } from "../bundle/index.js";
import type { DeviceProfile, MachineFacts } from "../device/index.js";
import type { ProviderName } from "../engine/index.js";
import { accuracyVerdict } from "./accuracy-verdict.js";

/** Providers that did not load a variant, found out by trying. */
export interface FailedLoad {
  variant: string;
  providers: readonly ProviderName[];
  /** What went wrong. */
  why: string;
}

export interface SelectVariantOptions {
  /** Take this one, whatever its accuracy; only that nothing runs it can stand against it. */
  name?: string;
  failed?: readonly FailedLoad[];
  /** How far a smaller precision's measured accuracy may lie below fp32's. Default 0.02: two points of mAP. */
  maxAccuracyDrop?: number;
}

export interface VariantSelection {
  variant: BundleVariant;
  /** Providers to load it with, in this order. */
  providers: readonly ProviderName[];
  /** Why this one, in words. */
  reason: string;
  /** Why not the others. */
  rejected: readonly { name: string; why: string }[];
}

/** A variant and where it would run, or why it would not. */
interface Verdict {
  variant: BundleVariant;
  providers: readonly ProviderName[];
  words: readonly string[];
  why?: string;
}

const SPEED: Readonly<Record<BundleVariant["precision"], number>> = { int8: 2, fp16: 1, fp32: 0 };

/**
 * Picks the variant of a bundle for a device: on the GPU before the CPU, the smallest precision that the device computes
 * in, whose figures were measured and hold up against fp32; fp32 when nothing else does.
 * @param machine the machine at hand, which a profile only says in general
 * @throws RUNTIME_NO_VARIANT with the reason for each variant
 */
export function selectVariant(
  manifest: Pick<BundleManifest, "name" | "variants">,
  profile: DeviceProfile,
  machine: Pick<MachineFacts, "int8DotProduct">,
  { name, failed = [], maxAccuracyDrop = 0.02 }: SelectVariantOptions = {},
): VariantSelection {
  const { variants } = manifest;
  const reference = variants.find((v) => v.precision === "fp32" && v.accuracy !== undefined);
  const judge = (variant: BundleVariant): Verdict => {
    const failures = failed.filter((f) => f.variant === variant.name);
    const tried = failures.flatMap((f) => f.providers);
    const left = (providers: readonly ProviderName[]): ProviderName[] =>
      providers.filter((p) => !tried.includes(p));
    const asked = variant.name === name;
    const gpu = left(gpuProviders(variant, profile, { asked }));
    const cpu = left(profile.providers.filter((p) => p === "cpu"));
    const lost = failures.map((f) => f.why).join("; ");
    const afterAll = tried.length === 0 ? [] : [`${tried.join(", ")} did not load it`];
    if (asked) {
      const providers = gpu.length > 0 ? gpu : cpu;
      const words = ["asked for by name", runsOn(providers), ...afterAll];
      return providers.length > 0
        ? { variant, providers, words }
        : { variant, providers, words, why: lost || "no provider of the device runs it" };
    }
    const accuracy = accuracyVerdict(variant, reference, { maxAccuracyDrop });
    const smaller = variant.precision !== "fp32";
    if (smaller && accuracy.why !== undefined)
      return { variant, providers: [], words: [], why: accuracy.why };
    if (gpu.length > 0) return { variant, providers: gpu, words: [runsOn(gpu), ...accuracy.words] };
    const onCpu = cpuVerdict(variant, machine);
    if (cpu.length === 0 || onCpu.why !== undefined)
      return {
        variant,
        providers: [],
        words: [],
        why: [lost, onCpu.why ?? (lost === "" ? "the device has no provider for it" : "")]
          .filter(Boolean)
          .join("; "),
      };
    return {
      variant,
      providers: cpu,
      words: [runsOn(cpu), ...afterAll, ...onCpu.words, ...accuracy.words],
    };
  };
  const verdicts = variants.map(judge);
  const fit = verdicts.filter(
    (v) => v.why === undefined && (name ?? v.variant.name) === v.variant.name,
  );
  const [best] = fit.sort(better);
  if (best === undefined) throw noVariant(manifest, profile, verdicts, name);
  const { variant, providers, words } = best;
  return {
    variant,
    providers,
    reason: `${variant.name} for ${profile.id}: ${words.join("; ")}`,
    rejected: verdicts
      .filter((v) => v !== best)
      .map((v) => ({ name: v.variant.name, why: v.why ?? whyNot(v, best, name) })),
  };
}

/** GPU before CPU, then the smaller precision, the better accuracy, the smaller file. */
function better(a: Verdict, b: Verdict): number {
  const onGpu = ({ providers }: Verdict): number => Number(providers[0] !== "cpu");
  return (
    onGpu(b) - onGpu(a) ||
    SPEED[b.variant.precision] - SPEED[a.variant.precision] ||
    (b.variant.accuracy?.value ?? 0) - (a.variant.accuracy?.value ?? 0) ||
    a.variant.bytes - b.variant.bytes
  );
}

/** GPU providers of the device that a variant is made for. */
function gpuProviders(
  { precision, target }: BundleVariant,
  { providers, precisions }: DeviceProfile,
  { asked }: { asked: boolean },
): ProviderName[] {
  if (target === "ort-cpu" || (!asked && !precisions.includes(precision))) return [];
  if (target === "tensorrt") return providers.filter((p) => p === "tensorrt");
  // An integer graph is lowered for one engine; one that names none is for the CPU.
  return precision === "int8" ? [] : providers.filter((p) => p !== "cpu");
}

/** Whether the CPU provider should run a variant. */
function cpuVerdict(
  { precision, target, audited, integerConvs }: BundleVariant,
  { int8DotProduct }: Pick<MachineFacts, "int8DotProduct">,
): { words: readonly string[]; why?: string } {
  if (target === "tensorrt")
    return { words: [], why: "made for TensorRT, which the device does not offer" };
  if (precision === "fp32") return { words: [] };
  if (precision === "fp16")
    return {
      words: [],
      why: "the CPU has no half-precision kernels: fp16 would run slower than fp32",
    };
  if (!audited)
    return { words: [], why: "nobody checked that its convolutions run as integers (not audited)" };
  if (!int8DotProduct)
    return {
      words: [],
      why: "the CPU has no int8 dot products (VNNI, dotprod): int8 gains little, and 8-bit products may saturate",
    };
  const [integer, all] = integerConvs ?? [0, 0];
  return {
    words: [
      `${String(integer)} of ${String(all)} convolutions run as integers`,
      "the CPU has int8 dot products",
    ],
  };
}

function runsOn([first = "cpu", ...others]: readonly ProviderName[]): string {
  return others.length === 0 ? `runs on ${first}` : `runs on ${first}, else ${others.join(", ")}`;
}

function whyNot(verdict: Verdict, best: Verdict, name: string | undefined): string {
  if (name !== undefined) return `"${name}" was asked for`;
  const { variant } = best;
  if (verdict.providers[0] === "cpu" && best.providers[0] !== "cpu")
    return `would run on the CPU; "${variant.name}" runs on ${best.providers[0] ?? ""}`;
  if (SPEED[verdict.variant.precision] < SPEED[variant.precision])
    return `"${variant.name}" does it in ${variant.precision}`;
  return `"${variant.name}" is as fast and measured better, or smaller`;
}

function noVariant(
  { name: bundle, variants }: Pick<BundleManifest, "name" | "variants">,
  { id }: DeviceProfile,
  verdicts: readonly Verdict[],
  name: string | undefined,
): EdgeDistillError {
  const known = variants.map((v) => v.name).join(", ");
  const rejected = verdicts
    .filter((v) => name === undefined || v.variant.name === name)
    .map((v) => ({ name: v.variant.name, why: v.why ?? "" }));
  const absent = name !== undefined && rejected.length === 0;
  const reasons = rejected.map((r) => `${r.name}: ${r.why}`).join(" | ");
  return new EdgeDistillError(
    "RUNTIME_NO_VARIANT",
    absent
      ? `The bundle "${bundle}" has no variant "${name}"; it has ${known}`
      : `No variant of the bundle "${bundle}" runs on ${id}: ${reasons}`,
    {
      hint: absent
        ? "Ask for one of these, or for none to have it chosen."
        : "Pack the bundle with an fp32 variant for target any: it runs everywhere.",
      details: { bundle, device: id, rejected },
    },
  );
}
