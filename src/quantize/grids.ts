import { EdgeDistillError } from "../base/index.js";
import type { Calibration, TensorRange } from "./calibrate.js";
import type { TargetPlan } from "./plan.js";
import type { ActivationGrid } from "./qdq-writer.js";
import { asymmetricGrid, symmetricGrid } from "./squared-error.kernel.js";

/** Grids of the activations of a plan; values of one group share one. */
export interface Grids {
  /** Name of the value's group, or its own. */
  key(value: string): string;
  /** @throws QUANTIZE_UNCALIBRATED */
  of(value: string): ActivationGrid;
}

/**
 * Turns calibrated ranges into 8-bit grids: unsigned with a zero point for ONNX Runtime's CPU provider (zero point 0 for
 * what is never negative), signed around zero for TensorRT.
 */
export function activationGrids({ target, groups }: TargetPlan, { ranges }: Calibration): Grids {
  const members = new Map<string, TensorRange[]>();
  for (const [name, group] of groups) {
    const range = ranges.get(name);
    if (range) members.set(group, [...(members.get(group) ?? []), range]);
  }
  const key = (value: string): string => groups.get(value) ?? value;
  return {
    key,
    of(value) {
      const own = ranges.get(value);
      const all = members.get(key(value)) ?? (own ? [own] : []);
      if (all.length === 0)
        throw new EdgeDistillError(
          "QUANTIZE_UNCALIBRATED",
          `There is no calibrated range for "${value}"`,
          {
            hint: "Calibrate the model that is lowered, over all its planned values.",
            details: { value },
          },
        );
      if (target === "tensorrt") {
        const { scale } = symmetricGrid(Math.max(...all.map((r) => r.limit)));
        return { dtype: "int8", scale, zeroPoint: 0 };
      }
      const { scale, zeroPoint } = asymmetricGrid(
        Math.min(...all.map((r) => r.min)),
        Math.max(...all.map((r) => r.max)),
      );
      return { dtype: "uint8", scale, zeroPoint };
    },
  };
}
