import { EdgeDistillError } from "../base/index.js";

/** Strides of the three feature levels that detectors predict on. */
export const STRIDES = [8, 16, 32] as const;

/** Widths and depths of a backbone with a feature pyramid. All channel counts are multiples of 16. */
export interface Architecture {
  id: string;
  /** Channels after the two stride-2 stem convolutions. */
  stem: readonly [number, number];
  /** Channels at strides 8, 16, 32. */
  widths: readonly [number, number, number];
  /** Residual blocks at strides 4, 8, 16, 32. */
  depths: readonly [number, number, number, number];
  /** Channels of the pyramid and the head. */
  neck: number;
}

/**
 * The family: dense 3x3 convolutions with Relu, nothing that a quantizer has to leave in float.
 * `n`, `s`, `m` are students; `teacher` is the larger domain model that is trained when none is given, wider than `n` at
 * every layer and as deep, so that `n` can be cut out of it.
 */
export const ARCHITECTURES = {
  n: { id: "n", stem: [16, 32], widths: [48, 80, 112], depths: [0, 1, 1, 1], neck: 48 },
  s: { id: "s", stem: [16, 32], widths: [64, 96, 128], depths: [1, 1, 1, 1], neck: 64 },
  m: { id: "m", stem: [32, 48], widths: [96, 144, 192], depths: [1, 2, 2, 1], neck: 96 },
  teacher: {
    id: "teacher",
    stem: [16, 32],
    widths: [64, 112, 160],
    depths: [0, 1, 1, 1],
    neck: 64,
  },
} as const satisfies Record<string, Architecture>;

export type ArchitectureId = keyof typeof ARCHITECTURES;

/** @throws CONFIG_INVALID when the id is unknown */
export function architecture(id: string): Architecture {
  const found = (ARCHITECTURES as Record<string, Architecture>)[id];
  if (!found)
    throw new EdgeDistillError("CONFIG_INVALID", `Unknown architecture "${id}"`, {
      hint: `Choose one of ${Object.keys(ARCHITECTURES).join(", ")}.`,
      details: { id },
    });
  return found;
}
