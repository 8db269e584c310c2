import { float, str, type Attributes } from "../../../src/onnx/index.js";
import type { CaseInput, GradientCase } from "./gradient-check.js";

const awayFrom = (...kinks: number[]): CaseInput => ({ dims: [3, 5], low: -3, high: 3, kinks });

/** The engine computes these in float32 only. */
const activation = (
  op: string,
  input: CaseInput,
  attributes: Attributes = {},
  opset = 17,
): GradientCase => ({
  title: `${op} ${JSON.stringify(attributes)} opset ${String(opset)}`,
  dtype: "float32",
  inputs: [input],
  opset,
  build: (f, x) => f.op(op, x, attributes),
});

/** Activations beside those of `elementwise-cases.ts`. */
export const activationCases: readonly GradientCase[] = [
  activation("Elu", awayFrom(0)),
  activation("Elu", awayFrom(0), { alpha: float(0.3) }, 11),
  activation("Selu", awayFrom(0)),
  activation("Selu", awayFrom(0), { alpha: float(0.4), gamma: float(2) }),
  activation("Celu", awayFrom(0)),
  activation("Celu", awayFrom(0), { alpha: float(2) }, 12),
  activation("ThresholdedRelu", awayFrom(1)),
  activation("ThresholdedRelu", awayFrom(-0.5), { alpha: float(-0.5) }),
  activation("Gelu", awayFrom(), {}, 20),
  activation("Gelu", awayFrom(), { approximate: str("tanh") }, 21),
  activation("Mish", awayFrom(), {}, 18),
  activation("Softsign", awayFrom(0)),
  {
    title: "PRelu, a slope a channel",
    dtype: "float32",
    inputs: [{ dims: [2, 3, 2, 2], low: -2, high: 2, kinks: [0] }, { dims: [3, 1, 1] }],
    build: (f, x) => f.op("PRelu", x),
  },
  {
    title: "PRelu, one slope",
    dtype: "float32",
    inputs: [{ dims: [2, 5], low: -2, high: 2, kinks: [0] }, { dims: [1] }],
    opset: 11,
    build: (f, x) => f.op("PRelu", x),
  },
];
