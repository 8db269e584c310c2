import { differentiate } from "../autograd/index.js";
import { createRng, EdgeDistillError } from "../base/index.js";
import {
  BLOCKED_DOMAIN,
  createBuilder,
  int,
  lowerToBlocked,
  serializeModel,
  type GraphBuilder,
  type Value,
} from "../onnx/index.js";
import { elementCount, type DType, type HostTensor } from "../tensor/index.js";
import type { Optimizer } from "./optimizer.js";
import type { Initializer } from "./initializers.js";
import { TrainingScope, type LayerContext } from "./scope.js";

export interface TrainingStepOptions {
  /** Writes the network and its loss. `stopAt` names values that the gradient does not pass. */
  build: (ctx: LayerContext) => {
    loss: Value;
    metrics: Readonly<Record<string, Value>>;
    stopAt?: readonly Value[];
  };
  optimizer: Optimizer;
  /** Bound on the gradient's Euclidean norm. */
  clipNorm?: number;
  /** Decay of the exponential moving average of the parameters; it rises to this over the first steps. */
  ema?: number;
  /** Parameters that learn; the others keep their values, and their batch normalization its statistics. */
  trainable?: (name: string) => boolean;
  opset?: number;
  /** Floats of a block, to write the step for the CPU engine's blocked kernels; see `probeBlockedLayout`. Default: plain ONNX. */
  blockedLayout?: number | undefined;
}

/** Tensors by parameter (or running statistic) name: what a trained network is. */
export type Weights = ReadonlyMap<string, HostTensor<"float32">>;

/** One named tensor of a flat vector. */
export interface FlatEntry {
  name: string;
  dims: readonly number[];
  init: Initializer;
}

/** Named tensors laid end to end in one vector. */
export interface FlatLayout {
  specs: readonly FlatEntry[];
  length: number;
}

/** Forward, loss, backward, clip and update as one ONNX graph. */
export interface TrainingStep {
  model: Uint8Array;
  /** Data the caller feeds every step. */
  inputs: readonly { name: string; dtype: DType; dims: readonly number[] }[];
  /** Names of the scalar outputs, `loss` and `gradientNorm` first. */
  metrics: readonly string[];
  parameters: FlatLayout;
  buffers: FlatLayout;
  /** State tensors: input `NAME`, output `next.NAME`. */
  state: readonly string[];
  nodeCount: number;
}

const layout = (specs: readonly FlatEntry[]): FlatLayout => ({
  specs: specs.map(({ name, dims, init }) => ({ name, dims, init })),
  length: specs.reduce((n, s) => n + elementCount(s.dims), 0),
});

/** Slices a flat vector into named tensors and puts them in place of the stand-in inputs. */
function unflatten(
  b: GraphBuilder,
  flat: Value,
  specs: readonly (FlatEntry & { value: Value })[],
): Map<Value, Value> {
  const sizes = specs.map((s) => elementCount(s.dims));
  const parts =
    specs.length === 1
      ? [flat]
      : b.multi("Split", [flat, b.i64(sizes)], { axis: int(0) }, { outputs: specs.length });
  const replaced = new Map<Value, Value>();
  specs.forEach(({ dims, value }, i) => {
    const part = parts[i] as Value;
    replaced.set(value, dims.length === 1 ? part : b.op("Reshape", [part, b.i64(dims)]));
  });
  return replaced;
}

function flatten(b: GraphBuilder, values: readonly Value[]): Value {
  const flat = values.map((v) => (v.dims?.length === 1 ? v : b.op("Reshape", [v, b.i64([-1])])));
  return flat.length === 1 ? (flat[0] as Value) : b.op("Concat", flat, { axis: int(0) });
}

/**
 * Builds the whole training step.
 * @throws AUTOGRAD_NO_RULE, ONNX_SHAPE_INFERENCE, TRAIN_WEIGHTS when nothing is left to train
 */
export function buildTrainingStep({
  build,
  optimizer,
  clipNorm,
  ema = 0.99,
  trainable,
  opset = 17,
  blockedLayout,
}: TrainingStepOptions): TrainingStep {
  const b = createBuilder({ opset });
  const scope = new TrainingScope(b, { trainable });
  const { loss, metrics, stopAt = [] } = build(scope);
  const { graph } = b;
  const ownParameters = [...scope.parameters.values()];
  const ownBuffers = [...scope.buffers.values()];
  const standIns = new Set([...ownParameters, ...ownBuffers].map((p) => p.value));
  const data = graph.inputs.filter((v) => !standIns.has(v));
  const parameters = layout(ownParameters);
  const buffers = layout(ownBuffers);
  const wrt = ownParameters.filter((p) => p.trainable).map((p) => p.value);
  if (wrt.length === 0)
    throw new EdgeDistillError("TRAIN_WEIGHTS", "The network has no parameter to train", {
      hint: "Leave at least one parameter trainable.",
      details: { parameters: ownParameters.map((p) => p.name) },
    });

  const gradients = differentiate(b, loss, wrt, { stopAt: new Set(stopAt) });
  const gradient = flatten(
    b,
    ownParameters.map(({ value }) => gradients.get(value) ?? zeroLike(b, value)),
  );
  const norm = b.op("Sqrt", [b.op("ReduceSumSquare", [gradient], { keepdims: int(0) })]);
  const clipped =
    clipNorm === undefined
      ? gradient
      : b.op("Mul", [
          gradient,
          b.op("Min", [b.f32(1), b.op("Div", [b.f32(clipNorm), b.op("Add", [norm, b.f32(1e-6)])])]),
        ]);

  const flat = b.input("parameters", "float32", [parameters.length]);
  const average = b.input("average", "float32", [parameters.length]);
  const statistics =
    buffers.length > 0 ? b.input("buffers", "float32", [buffers.length]) : undefined;
  const moments = optimizer.moments.map((m) =>
    b.input(`moment.${m}`, "float32", [parameters.length]),
  );
  const stepIndex = b.input("stepIndex", "float32", []);
  const learningRate = b.input("learningRate", "float32", []);

  const replaced = new Map([
    ...unflatten(b, flat, ownParameters),
    ...(statistics ? unflatten(b, statistics, ownBuffers) : []),
  ]);
  for (const [standIn, slice] of replaced) {
    standIn.replaceAllUsesWith(slice);
    graph.inputs.splice(graph.inputs.indexOf(standIn), 1);
  }

  const update = optimizer.update(b, {
    parameters: flat,
    gradient: clipped,
    decayMask: perParameter(b, "decayMask", ownParameters, (p) => Number(p.decay && p.trainable)),
    rateScale: ownParameters.every((p) => p.trainable && p.lrScale === 1)
      ? undefined
      : perParameter(b, "rateScale", ownParameters, (p) => (p.trainable ? p.lrScale : 0)),
    moments,
    learningRate,
    stepIndex,
  });
  // average ← average + (1 - d)(parameters - average), d = min(ema, (1 + t) / (10 + t))
  const warm = b.op("Div", [
    b.op("Add", [stepIndex, b.f32(1)]),
    b.op("Add", [stepIndex, b.f32(10)]),
  ]);
  const share = b.op("Sub", [b.f32(1), b.op("Min", [b.f32(ema), warm])]);
  const nextAverage = b.op("Add", [
    average,
    b.op("Mul", [b.op("Sub", [update.parameters, average]), share]),
  ]);

  const state: string[] = [];
  const next = (name: string, value: Value): void => {
    state.push(name);
    b.output(value, `next.${name}`);
  };
  next("parameters", update.parameters);
  next("average", nextAverage);
  optimizer.moments.forEach((m, i) => {
    next(`moment.${m}`, update.moments[i] as Value);
  });
  if (statistics)
    next(
      "buffers",
      flatten(
        b,
        ownBuffers.map(({ value, next: moved }) => moved ?? replaced.get(value) ?? value),
      ),
    );
  const scalars: Record<string, Value> = { loss, gradientNorm: norm, ...metrics };
  for (const [name, value] of Object.entries(scalars)) b.output(value, name);
  const model = b.model();
  if (blockedLayout === undefined) {
    graph.sortTopologically();
    graph.removeDeadNodes();
  } else {
    lowerToBlocked(graph, { block: blockedLayout, standIns: replaced });
    model.opsets.set(BLOCKED_DOMAIN, 1);
  }
  return {
    model: serializeModel(model),
    inputs: data.map((v) => ({
      name: v.name,
      dtype: v.dtype ?? "float32",
      dims: v.staticDims() ?? [],
    })),
    metrics: Object.keys(scalars),
    parameters,
    buffers,
    state,
    nodeCount: graph.nodes.length,
  };
}

function zeroLike(b: GraphBuilder, value: Value): Value {
  const dims = value.staticDims() ?? [];
  return b.constant({ dtype: "float32", dims, data: new Float32Array(elementCount(dims)) });
}

/** A flat vector that holds one number for all elements of each parameter. */
function perParameter<P extends { dims: readonly number[] }>(
  b: GraphBuilder,
  name: string,
  parameters: readonly P[],
  number: (parameter: P) => number,
): Value {
  const parts = parameters.map((p) => new Float32Array(elementCount(p.dims)).fill(number(p)));
  const data = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return b.initializer(name, { dtype: "float32", dims: [data.length], data });
}

/** The tensors that go in and out of a step, by name. */
export type TrainingState = Record<string, HostTensor<"float32">>;

function gather({ specs, length }: FlatLayout, seed: string, from: Weights): HostTensor<"float32"> {
  const data = new Float32Array(length);
  let at = 0;
  for (const { name, dims, init } of specs) {
    const given = from.get(name);
    // heads may differ between tasks; what does not fit starts fresh
    const values =
      given?.dims.join() === dims.join() ? given.data : init(dims, createRng(`${seed}/${name}`));
    data.set(values, at);
    at += values.length;
  }
  return { dtype: "float32", dims: [length], data };
}

/** First state of a step. @param from weights to start from where name and shape agree */
export function initialState(
  step: TrainingStep,
  { seed = 0, from = new Map() }: { seed?: number | string; from?: Weights } = {},
): TrainingState {
  const parameters = gather(step.parameters, String(seed), from);
  const state: TrainingState = {};
  for (const name of step.state) {
    if (name === "parameters") state[name] = parameters;
    else if (name === "average") state[name] = { ...parameters, data: parameters.data.slice() };
    else if (name === "buffers") state[name] = gather(step.buffers, String(seed), from);
    else
      state[name] = {
        dtype: "float32",
        dims: parameters.dims,
        data: new Float32Array(parameters.data.length),
      };
  }
  return state;
}

/**
 * Named weights out of a state: running statistics, and the moving average of the parameters (or, with
 * `averaged: false`, the parameters themselves).
 */
export function weightsOf(
  step: TrainingStep,
  state: TrainingState,
  { averaged = true }: { averaged?: boolean } = {},
): Weights {
  const out = new Map<string, HostTensor<"float32">>();
  const read = ({ specs }: FlatLayout, flat: HostTensor<"float32"> | undefined): void => {
    let at = 0;
    for (const { name, dims } of specs) {
      const n = elementCount(dims);
      if (!flat)
        throw new EdgeDistillError("INTERNAL", `The training state lacks the tensor of "${name}"`);
      out.set(name, { dtype: "float32", dims, data: flat.data.slice(at, at + n) });
      at += n;
    }
  };
  read(step.parameters, state[averaged ? "average" : "parameters"]);
  if (step.buffers.length > 0) read(step.buffers, state["buffers"]);
  return out;
}
