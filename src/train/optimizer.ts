import type { GraphBuilder, Value } from "../onnx/index.js";

/** Everything below is flat: one vector of P floats over all parameters. */
export interface OptimizerUpdate {
  /** New parameters `[P]`. */
  parameters: Value;
  /** New moments, in the order of {@link Optimizer.moments}. */
  moments: readonly Value[];
}

export interface OptimizerInputs {
  parameters: Value;
  gradient: Value;
  /** `[P]` 1 where weight decay applies. */
  decayMask: Value;
  /** `[P]` factor on the learning rate; undefined where it is 1 throughout. */
  rateScale: Value | undefined;
  moments: readonly Value[];
  /** Scalar. */
  learningRate: Value;
  /** Scalar: number of steps before this one, as float. */
  stepIndex: Value;
}

/** An optimizer is a list of moment vectors (zero at first) and one pure update. */
export interface Optimizer {
  readonly id: string;
  readonly moments: readonly string[];
  update(b: GraphBuilder, inputs: OptimizerInputs): OptimizerUpdate;
}

const scaled = (b: GraphBuilder, step: Value, scale: Value | undefined): Value =>
  scale ? b.op("Mul", [step, scale]) : step;

/** AdamW: decoupled weight decay (arXiv 1711.05101), bias-corrected moments. */
export function adamW({
  beta1 = 0.9,
  beta2 = 0.99,
  epsilon = 1e-8,
  weightDecay = 0.01,
} = {}): Optimizer {
  return {
    id: "adamw",
    moments: ["first", "second"],
    update: (
      b,
      { parameters, gradient, decayMask, rateScale, moments, learningRate, stepIndex },
    ) => {
      const mul = (x: Value, y: Value): Value => b.op("Mul", [x, y]);
      const [m, v] = moments as [Value, Value];
      const t = b.op("Add", [stepIndex, b.f32(1)]);
      const correction = (beta: number): Value =>
        b.op("Sub", [b.f32(1), b.op("Pow", [b.f32(beta), t])]);
      const first = b.op("Add", [mul(m, b.f32(beta1)), mul(gradient, b.f32(1 - beta1))]);
      const second = b.op("Add", [
        mul(v, b.f32(beta2)),
        mul(mul(gradient, gradient), b.f32(1 - beta2)),
      ]);
      // m̂ / (√v̂ + ε) = (√c₂ / c₁) · m / (√v + ε √c₂), so that the corrections touch scalars only
      const root = b.op("Sqrt", [correction(beta2)]);
      const direction = b.op("Div", [
        first,
        b.op("Add", [b.op("Sqrt", [second]), mul(b.f32(epsilon), root)]),
      ]);
      const rate = mul(learningRate, b.op("Div", [root, correction(beta1)]));
      const decay = mul(mul(decayMask, parameters), mul(learningRate, b.f32(weightDecay)));
      const step = b.op("Add", [mul(direction, rate), decay]);
      return {
        parameters: b.op("Sub", [parameters, scaled(b, step, rateScale)]),
        moments: [first, second],
      };
    },
  };
}

/** Stochastic gradient descent with momentum, optionally Nesterov's; weight decay joins the gradient. */
export function sgd({ momentum = 0.9, nesterov = true, weightDecay = 5e-4 } = {}): Optimizer {
  return {
    id: "sgd",
    moments: ["velocity"],
    update: (b, { parameters, gradient, decayMask, rateScale, moments, learningRate }) => {
      const mul = (x: Value, y: Value): Value => b.op("Mul", [x, y]);
      const [v] = moments as [Value];
      const g = b.op("Add", [gradient, mul(mul(decayMask, parameters), b.f32(weightDecay))]);
      const velocity = b.op("Add", [mul(v, b.f32(momentum)), g]);
      const direction = nesterov ? b.op("Add", [g, mul(velocity, b.f32(momentum))]) : velocity;
      const step = scaled(b, mul(direction, learningRate), rateScale);
      return { parameters: b.op("Sub", [parameters, step]), moments: [velocity] };
    },
  };
}
