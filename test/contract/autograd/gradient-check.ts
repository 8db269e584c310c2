import { Algebra, differentiate, type Rule } from "../../../src/autograd/index.js";
import { createRng, type Rng } from "../../../src/base/index.js";
import type { Engine } from "../../../src/engine/index.js";
import { createBuilder, serializeModel, type Value } from "../../../src/onnx/index.js";
import { elementCount, type HostTensor } from "../../../src/tensor/index.js";

/** One input of a case; values are drawn from [low, high], default [-1, 1]. */
export interface CaseInput {
  dims: readonly number[];
  low?: number;
  high?: number;
  /** Values stay this far away from the points where the function has no derivative. */
  kinks?: readonly number[];
  /** All values differ clearly, for functions that pick one. */
  distinct?: boolean;
}

/** A differentiable function of its inputs, written as ONNX. */
export interface GradientCase {
  title: string;
  inputs: readonly CaseInput[];
  /** float64 where the engine computes it, which makes finite differences sharp. */
  dtype?: "float64" | "float32";
  opset?: number;
  /** Opset-18-and-later files and such are covered by their own cases. */
  build(f: Algebra, x: readonly Value[]): Value;
  /**
   * What the gradient is by definition, where it is not the function's slope (straight-through estimators).
   * @param weights d loss / d output
   */
  expected?(
    x: readonly (readonly number[])[],
    weights: readonly number[],
  ): readonly (readonly number[])[];
}

const MARGIN = 0.12;

function draw(
  { dims, low = -1, high = 1, kinks = [], distinct = false }: CaseInput,
  rng: Rng,
): number[] {
  const n = elementCount(dims);
  if (distinct) {
    const ladder = Array.from({ length: n }, (_, i) => low + ((i + 0.5) / n) * (high - low));
    return rng.shuffle(ladder);
  }
  return Array.from({ length: n }, () => {
    for (;;) {
      const value = rng.uniform(low, high);
      if (kinks.every((k) => Math.abs(value - k) > MARGIN)) return value;
    }
  });
}

const numbers = (t: HostTensor | undefined): number[] =>
  Array.from((t?.data ?? []) as ArrayLike<number>, Number);

interface Prepared {
  /** d loss / d input by central differences, or by definition. */
  reference: readonly (readonly number[])[];
  x: readonly (readonly number[])[];
  weights: readonly number[];
}

/** Checks gradient rules of a case through the engine. */
export class GradientCheck {
  readonly #engine: Engine;
  readonly #prepared = new Map<GradientCase, Promise<Prepared>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Ops on the forward side of a case. */
  static ops(c: GradientCase): Set<string> {
    return new Set(graphOf(c).b.graph.nodes.map((n) => n.op));
  }

  /**
   * Largest deviation of the graph's gradient from the reference, over all elements of all inputs, as a share of the
   * largest element (or 1e-3); Infinity when an input has no gradient.
   */
  async deviation(c: GradientCase, rules: readonly Rule[] = []): Promise<number> {
    this.#prepared.set(c, this.#prepared.get(c) ?? this.#prepare(c));
    const { reference, x, weights } = (await this.#prepared.get(c)) as Prepared;
    const { b, f, inputs, y } = graphOf(c);
    const w = b.input("weights", c.dtype ?? "float64", y.staticDims() ?? []);
    const loss = b.op("ReduceSum", [f.mul(y, w)], { keepdims: { type: "int", value: 0 } });
    const gradients = differentiate(b, loss, inputs, { rules });
    inputs.forEach((input, i) => {
      const gradient = gradients.get(input);
      if (gradient) b.output(gradient, `gradient${String(i)}`);
    });
    if (b.graph.outputs.length < inputs.length) return Infinity;
    const out = await this.#run(b, {
      ...feedsOf(c, x),
      weights: tensorOf(c, y.staticDims() ?? [], weights),
    });
    let worst = 0;
    reference.forEach((expected, i) => {
      const got = out[`gradient${String(i)}`];
      if (got?.dims.join() !== c.inputs[i]?.dims.join()) worst = Infinity;
      const scale = Math.max(1e-3, ...expected.map(Math.abs));
      numbers(got).forEach((g, k) => {
        const d = Math.abs(g - (expected[k] ?? NaN)) / scale;
        worst = Math.max(worst, Number.isNaN(d) ? Infinity : d);
      });
    });
    return worst;
  }

  async #prepare(c: GradientCase): Promise<Prepared> {
    const rng = createRng(c.title);
    const x = c.inputs.map((input) => draw(input, rng));
    const { b, y } = graphOf(c);
    b.output(y, "y");
    await using session = await this.#engine.createSession(serializeModel(b.model()), {
      intraOpThreads: 1,
    });
    const forward = async (at: readonly (readonly number[])[]): Promise<number[]> =>
      numbers((await session.run(feedsOf(c, at)))["y"]);
    const weights = (await forward(x)).map(() => rng.uniform(-1, 1));
    if (c.expected) return { reference: c.expected(x, weights), x, weights };
    const step = c.dtype === "float32" ? 2e-2 : 1e-4;
    const reference: number[][] = [];
    for (const [i, values] of x.entries()) {
      const slopes: number[] = [];
      for (const k of values.keys()) {
        const at = (delta: number): Promise<number[]> =>
          forward(x.map((v, j) => (j === i ? v.with(k, (v[k] ?? 0) + delta) : v)));
        const [above, below] = [await at(step), await at(-step)];
        slopes.push(
          weights.reduce((sum, w, o) => sum + w * ((above[o] ?? 0) - (below[o] ?? 0)), 0) /
            (2 * step),
        );
      }
      reference.push(slopes);
    }
    return { reference, x, weights };
  }

  async #run(
    b: ReturnType<typeof createBuilder>,
    feeds: Record<string, HostTensor>,
  ): Promise<Record<string, HostTensor>> {
    await using session = await this.#engine.createSession(serializeModel(b.model()), {
      intraOpThreads: 1,
    });
    const names = session.inputs.map((i) => i.name);
    return session.run(
      Object.fromEntries(Object.entries(feeds).filter(([name]) => names.includes(name))),
    );
  }
}

function graphOf(c: GradientCase): {
  b: ReturnType<typeof createBuilder>;
  f: Algebra;
  inputs: Value[];
  y: Value;
} {
  const b = createBuilder({ opset: c.opset ?? 17 });
  const dtype = c.dtype ?? "float64";
  const f = new Algebra(b, dtype);
  const inputs = c.inputs.map(({ dims }, i) => b.input(`x${String(i)}`, dtype, dims));
  return { b, f, inputs, y: c.build(f, inputs) };
}

function tensorOf(
  { dtype = "float64" }: GradientCase,
  dims: readonly number[],
  values: readonly number[],
): HostTensor {
  return {
    dtype,
    dims,
    data: dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values),
  };
}

function feedsOf(c: GradientCase, x: readonly (readonly number[])[]): Record<string, HostTensor> {
  return Object.fromEntries(
    c.inputs.map(({ dims }, i) => [`x${String(i)}`, tensorOf(c, dims, x[i] ?? [])]),
  );
}
