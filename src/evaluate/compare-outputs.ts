import { EdgeDistillError } from "../base/index.js";
import { fromFloat16Array, type HostTensor } from "../tensor/index.js";

/** How far one tensor is from another. */
export interface OutputDifference {
  maxAbs: number;
  meanAbs: number;
  /** Norm of the difference over the norm of the reference. */
  relative: number;
  /** Cosine of the angle between the two; 1 when both are zero. */
  cosine: number;
  /** Values that are not finite in one and not equal in the other. */
  nonFinite: number;
}

/**
 * Compares a tensor with its reference, element by element, in double.
 * @throws EVALUATE_MISMATCH when the dims differ, or the elements are strings
 */
export function compareTensors(reference: HostTensor, other: HostTensor): OutputDifference {
  if (reference.dims.join() !== other.dims.join())
    throw new EdgeDistillError(
      "EVALUATE_MISMATCH",
      `An output [${other.dims.join(", ")}] cannot be compared with a reference [${reference.dims.join(", ")}]`,
      { hint: "Compare outputs of the same name of models with the same input." },
    );
  const a = numbers(reference);
  const b = numbers(other);
  let [maxAbs, sumAbs, sumSquared, aa, bb, ab, nonFinite] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const x = Number(a[i] ?? 0);
    const y = Number(b[i] ?? 0);
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      if (!Object.is(x, y)) nonFinite++;
      continue;
    }
    const difference = Math.abs(x - y);
    maxAbs = Math.max(maxAbs, difference);
    sumAbs += difference;
    sumSquared += difference * difference;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  return {
    maxAbs,
    meanAbs: a.length === 0 ? 0 : sumAbs / a.length,
    relative: sumSquared === 0 ? 0 : Math.sqrt(sumSquared / aa),
    cosine: aa === 0 && bb === 0 ? 1 : aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb),
    nonFinite,
  };
}

/**
 * {@link compareTensors} for every output of a run.
 * @throws EVALUATE_MISMATCH, also when an output of the reference is absent
 */
export function compareOutputs(
  reference: Readonly<Record<string, HostTensor>>,
  other: Readonly<Record<string, HostTensor>>,
): Record<string, OutputDifference> {
  return Object.fromEntries(
    Object.entries(reference).map(([name, tensor]) => {
      const counterpart = other[name];
      if (counterpart === undefined)
        throw new EdgeDistillError(
          "EVALUATE_MISMATCH",
          `The output "${name}" of the reference is absent among ${Object.keys(other).join(", ")}`,
          { hint: "Keep output names when a model is rewritten." },
        );
      return [name, compareTensors(tensor, counterpart)];
    }),
  );
}

function numbers({ dtype, data }: HostTensor): ArrayLike<number | bigint> {
  if (data instanceof Uint16Array && dtype === "float16") return fromFloat16Array(data);
  if (!Array.isArray(data)) return data;
  throw new EdgeDistillError("EVALUATE_MISMATCH", "Strings have no numeric difference", {
    hint: "Compare numeric outputs.",
  });
}
