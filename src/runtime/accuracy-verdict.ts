import type { BundleVariant } from "../bundle/index.js";

/**
 * Whether a variant's measured accuracy holds up against fp32's. An int8 variant has to show a figure; half precision
 * is taken on trust when nobody measured it.
 * @param reference the measured fp32 variant, if the bundle has one
 * @param maxAccuracyDrop in the metric's own units
 */
export function accuracyVerdict(
  { name, precision, accuracy }: BundleVariant,
  reference: BundleVariant | undefined,
  { maxAccuracyDrop }: { maxAccuracyDrop: number },
): { words: readonly string[]; why?: string } {
  if (accuracy === undefined)
    return precision === "int8"
      ? { words: [], why: "nobody measured its accuracy" }
      : { words: ["accuracy not measured"] };
  const figure = `${accuracy.metric} ${accuracy.value.toFixed(3)}`;
  const base = reference?.accuracy;
  if (base === undefined || reference?.name === name) return { words: [figure] };
  if (base.metric !== accuracy.metric)
    return {
      words: [],
      why: `its accuracy is stated as ${accuracy.metric}, that of fp32 as ${base.metric}: they do not compare`,
    };
  const against = `${figure} against ${base.value.toFixed(3)} in fp32`;
  return base.value - accuracy.value > maxAccuracyDrop + 1e-9
    ? { words: [], why: `loses too much accuracy: ${against}` }
    : { words: [against] };
}
