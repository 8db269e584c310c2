import { createRng, EdgeDistillError } from "../base/index.js";
import { batchNormTraining } from "../autograd/index.js";
import { float, type GraphBuilder, type Value } from "../onnx/index.js";
import { elementCount, float32, type HostTensor } from "../tensor/index.js";
import { ones, zeros, type Initializer } from "./initializers.js";

/** What a network is built on: the same function builds the training graph and the inference graph. */
export interface LayerContext {
  readonly b: GraphBuilder;
  readonly training: boolean;
  /**
   * A learned float32 tensor: state that the step updates when training, a constant of the graph at inference.
   * The same name again gives the same value (shared weights).
   * @throws TRAIN_WEIGHTS when the name is known with another shape, or has no weights at inference
   */
  param(
    name: string,
    dims: readonly number[],
    init: Initializer,
    options?: ParameterOptions,
  ): Value;
  /**
   * Batch normalization over axis 1 of `[N, C, …]`, with parameters `<name>.scale`, `<name>.bias` and running statistics
   * `<name>.mean`, `<name>.variance`. Training uses the batch's statistics and moves the running ones.
   */
  batchNorm(x: Value, name: string): Value;
}

export interface ParameterOptions {
  /** Weight decay applies. Default true; false for biases and normalization. */
  decay?: boolean;
  /** Multiplies the learning rate. Default 1. */
  lrScale?: number;
}

/** A learned tensor of a training graph. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly init: Initializer;
  readonly decay: boolean;
  readonly lrScale: number;
  readonly trainable: boolean;
  readonly value: Value;
}

/** A tensor that the forward pass moves: a running statistic. */
export interface Buffer {
  readonly name: string;
  readonly dims: readonly number[];
  readonly init: Initializer;
  readonly value: Value;
  /** What it becomes after the step; undefined where the layer is frozen. */
  readonly next: Value | undefined;
}

const EPSILON = 1e-5;
/** Share of the batch's statistics in the running ones. */
const MOMENTUM = 0.1;

function weightsError(message: string, name: string): EdgeDistillError {
  return new EdgeDistillError("TRAIN_WEIGHTS", message, {
    hint: "Build the network with the architecture and options that the weights were trained with.",
    details: { name },
  });
}

/** Parameters and running statistics of a training graph, in the order of their first use. */
export class TrainingScope implements LayerContext {
  readonly training = true;
  readonly b: GraphBuilder;
  readonly parameters = new Map<string, Parameter>();
  readonly buffers = new Map<string, Buffer>();
  readonly #trainable: (name: string) => boolean;

  /** @param trainable which parameters learn; a batchNorm whose scale does not keeps its running statistics */
  constructor(
    b: GraphBuilder,
    { trainable = () => true }: { trainable?: ((name: string) => boolean) | undefined } = {},
  ) {
    this.b = b;
    this.#trainable = trainable;
  }

  param(
    name: string,
    dims: readonly number[],
    init: Initializer,
    { decay = true, lrScale = 1 }: ParameterOptions = {},
  ): Value {
    const known = this.parameters.get(name);
    if (known) {
      if (known.dims.join() !== dims.join())
        throw weightsError(
          `Parameter "${name}" is [${known.dims.join(", ")}] and asked for as [${dims.join(", ")}]`,
          name,
        );
      return known.value;
    }
    const value = this.b.input(name, "float32", dims);
    const trainable = this.#trainable(name);
    this.parameters.set(name, { name, dims, init, decay, lrScale, trainable, value });
    return value;
  }

  batchNorm(x: Value, name: string): Value {
    const { b } = this;
    const channels = channelsOf(x);
    if (this.buffers.has(`${name}.mean`))
      throw weightsError(`Batch normalization "${name}" is used twice in one graph`, name);
    const scale = this.param(`${name}.scale`, [channels], ones, { decay: false });
    const bias = this.param(`${name}.bias`, [channels], zeros, { decay: false });
    const mean = b.input(`${name}.mean`, "float32", [channels]);
    const variance = b.input(`${name}.variance`, "float32", [channels]);
    const keep = (stat: string, init: Initializer, value: Value, next?: Value): void => {
      this.buffers.set(`${name}.${stat}`, {
        name: `${name}.${stat}`,
        dims: [channels],
        init,
        value,
        next,
      });
    };
    if (!this.#trainable(`${name}.scale`)) {
      keep("mean", zeros, mean);
      keep("variance", ones, variance);
      return normalize(b, [x, scale, bias, mean, variance], name);
    }
    const batch = batchNormTraining(b, x, scale, bias, { epsilon: EPSILON });
    // running' = running + momentum · (batch - running); the variance unbiased, as PyTorch has it
    const move = (running: Value, now: Value): Value =>
      b.op("Add", [
        b.op("Mul", [running, b.f32(1 - MOMENTUM)]),
        b.op("Mul", [now, b.f32(MOMENTUM)]),
      ]);
    const count = elementCount(x.staticDims() ?? [channels]) / channels;
    const unbiased = b.op("Mul", [batch.variance, b.f32(count / Math.max(1, count - 1))]);
    keep("mean", zeros, mean, move(mean, batch.mean));
    keep("variance", ones, variance, move(variance, unbiased));
    return batch.y;
  }

  /** Fresh parameters and running statistics by name, drawn from `seed` and each name. */
  initialWeights(seed: string | number): Map<string, HostTensor<"float32">> {
    const rng = createRng(seed);
    return new Map(
      [...this.parameters.values(), ...this.buffers.values()].map(({ name, dims, init }) => [
        name,
        float32(dims, init(dims, rng.fork(name))),
      ]),
    );
  }
}

/** A context whose parameters are constants of the graph. */
export class InferenceScope implements LayerContext {
  readonly training = false;
  readonly b: GraphBuilder;
  readonly #weights: ReadonlyMap<string, HostTensor>;
  readonly #values = new Map<string, Value>();

  /** @param weights by name, as `weightsOf` gives them */
  constructor(b: GraphBuilder, weights: ReadonlyMap<string, HostTensor>) {
    this.b = b;
    this.#weights = weights;
  }

  param(name: string, dims: readonly number[]): Value {
    let value = this.#values.get(name);
    if (!value) {
      const weights = this.#weights.get(name);
      if (!weights) throw weightsError(`There are no weights for the parameter "${name}"`, name);
      if (weights.dims.join() !== dims.join())
        throw weightsError(
          `The weights of "${name}" are [${weights.dims.join(", ")}], the network needs [${dims.join(", ")}]`,
          name,
        );
      value = this.b.initializer(name, weights);
      this.#values.set(name, value);
    }
    return value;
  }

  batchNorm(x: Value, name: string): Value {
    const channels = channelsOf(x);
    const stats = ["scale", "bias", "mean", "variance"].map((s) =>
      this.param(`${name}.${s}`, [channels]),
    );
    return normalize(this.b, [x, ...stats], name);
  }
}

function normalize(b: GraphBuilder, inputs: readonly Value[], name: string): Value {
  return b.op("BatchNormalization", inputs, { epsilon: float(EPSILON) }, { name });
}

function channelsOf(x: Value): number {
  const channels = x.dims?.[1];
  if (typeof channels === "number") return channels;
  throw new EdgeDistillError(
    "TENSOR_SHAPE",
    `"${x.name}" has no known channel count to normalize`,
    {
      hint: "Give the input fixed channels.",
      details: { value: x.name, dims: x.dims },
    },
  );
}
