import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  commonSubexpressions,
  createBuilder,
  foldBatchNorm,
  foldConstants,
  foldConstantsBy,
  freezeShapes,
  float,
  int,
  ints,
  loadModel,
  removeDeadNodes,
  removeIdentity,
  runPasses,
  serializeModel,
  toFloat16,
  withoutOps,
  type Model,
  type PassStep,
  type Value,
} from "../../src/onnx/index.js";
import { createRng } from "../../src/base/index.js";
import { elementCount, float32, toFloat16Array, type HostTensor } from "../../src/tensor/index.js";
import { cosine, noise, REAL_MODELS, relativeError, runOnce } from "./real-models.js";
import { hasData } from "../support/requirements.js";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ kind: "inline" });
});
afterAll(async () => {
  await engine.close();
});

async function worstError(
  before: Model,
  after: Model,
  feeds: Record<string, HostTensor>,
): Promise<number> {
  const expected = await runOnce(engine, before, feeds);
  const actual = await runOnce(engine, after, feeds);
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  return Math.max(
    ...Object.entries(expected).map(([name, e]) => relativeError(actual[name] as HostTensor, e)),
  );
}

const count = (m: Model, op: string): number => m.graph.nodes.filter((n) => n.op === op).length;

describe.skipIf(!hasData("models"))("passes on real models", () => {
  const passes: readonly [string, PassStep][] = [
    ["foldBatchNorm", (m) => foldBatchNorm(m)],
    ["foldConstants", (m) => foldConstants(m)],
    ["removeIdentity", (m) => removeIdentity(m)],
    ["removeDeadNodes", (m) => removeDeadNodes(m)],
    ["commonSubexpressions", (m) => commonSubexpressions(m)],
    ["freezeShapes", (m) => freezeShapes(m, { batch: 2 })],
    [
      "all in a row",
      (m) =>
        runPasses(m, [
          (x) => freezeShapes(x, { batch: 2 }),
          foldConstants,
          foldBatchNorm,
          removeIdentity,
          commonSubexpressions,
          removeDeadNodes,
        ]),
    ],
  ];

  it.each(REAL_MODELS)("$name keeps its outputs through each pass", async (real) => {
    const source = await loadModel(real.path);
    const before = serializeModel(source);
    for (const [name, pass] of passes)
      expect(
        await worstError(source, pass(source), { [real.input]: noise(real) }),
        name,
      ).toBeLessThan(1e-4);
    // passes leave their argument as it was
    expect(Buffer.compare(serializeModel(source), before)).toBe(0);
  });

  it.each(REAL_MODELS)("$name in float16 points the same way", async (real) => {
    const source = await loadModel(real.path);
    const half = toFloat16(source);
    const feeds = { [real.input]: noise(real) };
    const expected = await runOnce(engine, source, feeds);
    const actual = await runOnce(engine, half, feeds);
    for (const [name, e] of Object.entries(expected))
      expect(cosine(actual[name] as HostTensor, e), name).toBeGreaterThan(0.999);
    expect(serializeModel(half).length).toBeLessThan(0.55 * serializeModel(source).length);
    const bare = await runOnce(engine, toFloat16(source, { keepIo: false }), {
      [real.input]: toHalf(feeds[real.input] as HostTensor<"float32">),
    });
    for (const [name, e] of Object.entries(expected)) {
      expect(bare[name]?.dtype).toBe("float16");
      expect(cosine(bare[name] as HostTensor, e), name).toBeGreaterThan(0.999);
    }
  });

  it("mobilenetv2 loses all its batch normalizations", async () => {
    const real = REAL_MODELS[1];
    if (!real) expect.unreachable();
    const source = await loadModel(real.path);
    expect(count(source, "BatchNormalization")).toBeGreaterThan(40);
    const folded = foldBatchNorm(source);
    expect(withoutOps("BatchNormalization", "Mul").violation(folded)).toBeUndefined();
    expect(folded.graph.nodes.length).toBe(
      source.graph.nodes.length - count(source, "BatchNormalization"),
    );
  });
});

function toHalf({ dims, data }: HostTensor<"float32">): HostTensor {
  return { dtype: "float16", dims, data: toFloat16Array(data) };
}

describe("foldBatchNorm", () => {
  const rng = createRng("fold");
  const random = (dims: readonly number[], low = -1, high = 1): HostTensor =>
    float32(
      dims,
      Float32Array.from({ length: elementCount(dims) }, () => rng.uniform(low, high)),
    );

  function normalized(
    inputDims: readonly number[],
    channels: number,
    before: (b: ReturnType<typeof createBuilder>, x: Value) => Value,
  ): Model {
    const b = createBuilder();
    const x = before(b, b.input("x", "float32", inputDims));
    const parameters = [
      [0.5, 2],
      [-1, 1],
      [-1, 1],
      [0.1, 3],
    ].map(([low, high]) => b.initializer("p", random([channels], low, high)));
    b.output(b.op("BatchNormalization", [x, ...parameters], { epsilon: float(1e-3) }), "y");
    return b.model();
  }

  it.each<[string, Model, readonly string[]]>([
    [
      "a grouped Conv with bias",
      normalized([2, 4, 5, 5], 6, (b, x) =>
        b.op(
          "Conv",
          [x, b.initializer("w", random([6, 2, 3, 3])), b.initializer("c", random([6]))],
          { group: int(2) },
        ),
      ),
      ["Conv"],
    ],
    [
      "a ConvTranspose",
      normalized([2, 4, 5, 5], 3, (b, x) =>
        b.op("ConvTranspose", [x, b.initializer("w", random([4, 3, 2, 2]))], {
          strides: ints([2, 2]),
        }),
      ),
      ["ConvTranspose"],
    ],
    [
      "a grouped ConvTranspose",
      normalized([2, 4, 5, 5], 6, (b, x) =>
        b.op(
          "ConvTranspose",
          [x, b.initializer("w", random([4, 3, 2, 2])), b.initializer("c", random([6]))],
          { group: int(2) },
        ),
      ),
      ["ConvTranspose"],
    ],
    [
      "a Gemm",
      normalized([2, 4], 3, (b, x) =>
        b.op("Gemm", [x, b.initializer("w", random([4, 3])), b.initializer("c", random([1, 3]))], {
          beta: float(0.5),
          alpha: float(2),
        }),
      ),
      ["Gemm"],
    ],
    [
      "a Gemm with transB and a scalar addend",
      normalized([2, 4], 3, (b, x) =>
        b.op("Gemm", [x, b.initializer("w", random([3, 4])), b.initializer("c", random([1]))], {
          transB: int(1),
        }),
      ),
      ["Gemm"],
    ],
    [
      "a Gemm that adds per row",
      normalized([3, 4], 3, (b, x) =>
        b.op("Gemm", [x, b.initializer("w", random([4, 3])), b.initializer("c", random([3, 1]))]),
      ),
      ["Gemm", "Mul", "Add"],
    ],
    ["a Relu", normalized([2, 4, 5, 5], 4, (b, x) => b.op("Relu", [x])), ["Relu", "Mul", "Add"]],
    ["the input", normalized([2, 4], 4, (_, x) => x), ["Mul", "Add"]],
    [
      "a Conv that others read too",
      normalized([1, 1, 4, 4], 2, (b, x) => {
        const c = b.op("Conv", [x, b.initializer("w", random([2, 1, 1, 1]))]);
        b.output(c, "c");
        return c;
      }),
      ["Conv", "Mul", "Add"],
    ],
  ])("after %s", async (_, source, ops) => {
    const folded = foldBatchNorm(source);
    expect(folded.graph.nodes.map((n) => n.op)).toEqual(ops);
    const [x] = source.graph.inputs;
    expect(await worstError(source, folded, { x: random(x?.staticDims() ?? []) })).toBeLessThan(
      1e-5,
    );
  });

  it("leaves training mode and variable statistics alone", () => {
    const trained = normalized([2, 4], 4, (_, x) => x);
    trained.graph.nodes[0]?.attributes.set("training_mode", int(1));
    expect(count(foldBatchNorm(trained), "BatchNormalization")).toBe(1);
    const variable = normalized([2, 4], 4, (_, x) => x);
    const scale = variable.graph.nodes[0]?.inputs[1];
    if (scale) variable.graph.addInput(scale);
    expect(count(foldBatchNorm(variable), "BatchNormalization")).toBe(1);
  });
});

describe("foldConstantsBy", () => {
  it("lets the engine compute what the small evaluator does not know", async () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const angle = b.op("Sin", [b.op("Range", [b.f32(0), b.f32(3), b.f32(1)])]);
    b.output(b.op("Mul", [x, b.op("Exp", [angle])]), "y");
    const source = b.model();
    expect(foldConstants(source).graph.nodes).toHaveLength(4);
    const folded = await foldConstantsBy(source, async (m) => runOnce(engine, m, {}));
    expect(folded.graph.nodes.map((n) => n.op)).toEqual(["Mul"]);
    expect(await worstError(source, folded, { x: float32([3], [1, -2, 3]) })).toBeLessThan(1e-7);
  });
});
