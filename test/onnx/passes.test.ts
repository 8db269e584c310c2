import { describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import {
  cloneModel,
  commonSubexpressions,
  createBuilder,
  definePass,
  float,
  foldConstants,
  freezeShapes,
  int,
  ints,
  noDeadNodes,
  removeDeadNodes,
  removeIdentity,
  runPasses,
  staticInputs,
  str,
  tensorAttribute,
  toFloat16,
  typedValues,
  Value,
  verifyGraph,
  withoutOps,
  type GraphBuilder,
  type Model,
} from "../../src/onnx/index.js";
import { float32, fromFloat16Array, int64 } from "../../src/tensor/index.js";

function failure(run: () => unknown): EdgeDistillError {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

function model(write: (b: GraphBuilder) => void, opset = 17): Model {
  const b = createBuilder({ opset });
  write(b);
  return b.model();
}

const ops = (m: Model): string[] => m.graph.nodes.map((n) => n.op);

describe("verifyGraph", () => {
  const good = (): Model =>
    model((b) => {
      const x = b.input("x", "float32", [2]);
      b.output(b.op("Add", [b.op("Relu", [x]), b.initializer("w", float32([2], [1, 2]))]), "y");
    });

  it("accepts what the builder writes", () => {
    expect(() => {
      verifyGraph(good());
    }).not.toThrow();
  });

  it.each<[string, (m: Model) => void, RegExp]>([
    [
      "a doubled name",
      (m) => ((m.graph.nodes[0]?.outputs[0] as Value).name = "x"),
      /"x" of node "Relu".* taken/,
    ],
    [
      "a value nothing provides",
      (m) => m.graph.nodes[0]?.setInput(0, new Value("ghost")),
      /reads "ghost"/,
    ],
    [
      "nodes out of order",
      (m) =>
        m.graph.addNode(
          {
            op: "Relu",
            name: "late",
            inputs: [m.graph.nodes[1]?.outputs[0] as Value],
            outputs: [new Value("z")],
          },
          { before: m.graph.nodes[0] as never },
        ),
      /nothing provides before/,
    ],
    [
      "a stale use",
      (m) => m.graph.inputs[0]?._link({ node: m.graph.nodes[1] as never, index: 0 }),
      /use by node "Add".* not there/,
    ],
    [
      "a use of a removed node",
      (m) => {
        const gone = m.graph.addNode({
          op: "Neg",
          name: "gone",
          inputs: [m.graph.inputs[0] as Value],
          outputs: [new Value("g")],
        });
        m.graph.removeAll(new Set([gone]));
        m.graph.inputs[0]?._link({ node: gone, index: 0 });
      },
      /use by node "gone"/,
    ],
    [
      "an unknown use",
      (m) => m.graph.inputs[0]?._unlink(m.graph.nodes[0] as never, 0),
      /does not know of it/,
    ],
    [
      "two nodes of one name",
      (m) => {
        for (const n of m.graph.nodes) n.name = "same";
      },
      /two nodes/,
    ],
    [
      "a renamed initializer",
      (m) => {
        (m.graph.initializers.get("w") as Value).name = "v";
      },
      /filed under "w"/,
    ],
    [
      "an initializer with other dims",
      (m) => {
        (m.graph.initializers.get("w") as Value).dims = [3];
      },
      /says float32 \[3\]/,
    ],
    ["an output of nowhere", (m) => m.graph.addOutput(new Value("o")), /output "o"/],
    [
      "an output listed twice",
      (m) => m.graph.addOutput(m.graph.outputs[0] as Value),
      /listed twice/,
    ],
  ])("finds %s", (_, damage, message) => {
    const m = good();
    damage(m);
    const e = failure(() => {
      verifyGraph(m);
    });
    expect(e.code).toBe("ONNX_INVALID_GRAPH");
    expect(e.message).toMatch(message);
  });
});

describe("definePass", () => {
  it("works on a copy, in order", () => {
    const source = model((b) =>
      b.output(b.op("Identity", [b.op("Relu", [b.input("x", "float32", [1])])]), "y"),
    );
    const drop = definePass({
      name: "rename",
      run: (m) => {
        m.producerName = "renamed";
      },
    });
    const result = runPasses(source, [removeIdentity, drop]);
    expect([ops(source), ops(result)]).toEqual([["Relu", "Identity"], ["Relu"]]);
    expect([source.producerName, result.producerName]).toEqual(["edge-distill", "renamed"]);
  });

  it("checks what a pass requires and promises", () => {
    const source = model((b) => b.output(b.op("Relu", [b.input("x", "float32", ["N"])]), "y"));
    const requires = definePass({ name: "picky", requires: [staticInputs], run: () => undefined });
    expect(failure(() => requires(source))).toMatchObject({
      code: "ONNX_INVALID_GRAPH",
      message: expect.stringMatching(/picky.*"x" has \[N\]/) as string,
    });
    const lies = definePass({ name: "liar", ensures: [withoutOps("Relu")], run: () => undefined });
    expect(failure(() => lies(source))).toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("liar") as string,
    });
    expect(requires(freezeShapes(source, { batch: 2 })).graph.inputs[0]?.dims).toEqual([2]);
    expect(typedValues.violation(source)).toBeUndefined();
    expect(noDeadNodes.violation(source)).toBeUndefined();
  });
});

describe("foldConstants", () => {
  it("turns shape arithmetic into constants once shapes are fixed", () => {
    const source = model((b) => {
      const x = b.input("x", "float32", ["N", 4, 6, 6]);
      const n = b.op("Gather", [b.op("Shape", [x]), b.constant(int64([0]))], { axis: int(0) });
      b.output(b.op("Reshape", [x, b.op("Concat", [n, b.i64([-1])], { axis: int(0) })]), "y");
    });
    expect(ops(foldConstants(source))).toEqual(["Shape", "Gather", "Concat", "Reshape"]);
    const folded = foldConstants(freezeShapes(source, { batch: 3 }));
    expect(ops(folded)).toEqual(["Reshape"]);
    expect(folded.graph.outputs[0]?.dims).toEqual([3, 144]);
  });

  it.each<[string, (b: GraphBuilder) => Value, readonly number[], readonly number[]]>([
    [
      "Transpose",
      (b) => b.op("Transpose", [b.f32([1, 2, 3, 4, 5, 6], [2, 3])]),
      [3, 2],
      [1, 4, 2, 5, 3, 6],
    ],
    [
      "Transpose with perm",
      (b) => b.op("Transpose", [b.f32([1, 2, 3, 4, 5, 6], [1, 2, 3])], { perm: ints([2, 0, 1]) }),
      [3, 1, 2],
      [1, 4, 2, 5, 3, 6],
    ],
    [
      "Slice",
      (b) =>
        b.op("Slice", [
          b.f32([1, 2, 3, 4, 5, 6], [2, 3]),
          b.i64([-1, 0]),
          b.i64([-100, 2]),
          b.i64([1, 0]),
          b.i64([-2, 1]),
        ]),
      [2, 2],
      [3, 1, 6, 4],
    ],
    [
      "Expand",
      (b) => b.op("Expand", [b.f32([1, 2], [2, 1]), b.i64([2, 2, 3])]),
      [2, 2, 3],
      [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2],
    ],
    [
      "Concat",
      (b) =>
        b.op("Concat", [b.f32([1, 2], [2, 1]), b.f32([3, 4, 5, 6], [2, 2])], { axis: int(-1) }),
      [2, 3],
      [1, 3, 4, 2, 5, 6],
    ],
    [
      "Gather",
      (b) => b.op("Gather", [b.f32([1, 2, 3, 4], [2, 2]), b.i64([1, -2])], { axis: int(1) }),
      [2, 2],
      [2, 1, 4, 3],
    ],
    [
      "broadcast Sub",
      (b) => b.op("Sub", [b.f32([1, 2], [2, 1]), b.f32([10, 20])]),
      [2, 2],
      [-9, -19, -8, -18],
    ],
    [
      "Cast and Where",
      (b) => b.op("Where", [b.op("Cast", [b.f32([0, 2])], { to: int(9) }), b.f32(1), b.f32(-1)]),
      [2],
      [-1, 1],
    ],
    [
      "Constant",
      (b) => b.op("Constant", [], { value: tensorAttribute(float32([1], [7])) }),
      [1],
      [7],
    ],
    [
      "Reshape, Unsqueeze, Squeeze",
      (b) =>
        b.op("Squeeze", [
          b.op("Unsqueeze", [b.op("Reshape", [b.f32([1, 2], [1, 2]), b.i64([2, 1])]), b.i64([0])]),
          b.i64([2]),
        ]),
      [1, 2],
      [1, 2],
    ],
  ])("computes %s", (_, write, dims, values) => {
    const m = foldConstants(
      model((b) => b.output(b.op("Add", [b.input("x", "float32", []), write(b)]), "y")),
    );
    expect(ops(m)).toEqual(["Add"]);
    const content = m.graph.nodes[0]?.inputs[1]?.initializer;
    expect(content?.dims).toEqual(dims);
    expect(Array.from(content?.data as Float32Array)).toEqual(values);
  });

  it("computes integers as integers and leaves overflow alone", () => {
    const integers = (a: bigint, c: bigint) =>
      foldConstants(
        model((b) => {
          const constant = (v: bigint) =>
            b.initializer("c", { dtype: "int64", dims: [2], data: BigInt64Array.of(v, 1n) });
          b.output(
            b.op("Add", [b.input("x", "int64", [2]), b.op("Div", [constant(a), constant(c)])]),
            "y",
          );
        }),
      );
    expect(integers(-7n, 2n).graph.nodes[0]?.inputs[1]?.initializer?.data).toEqual(
      BigInt64Array.of(-3n, 1n),
    );
    expect(ops(integers(2n ** 60n + 1n, 3n))).toEqual(["Div", "Add"]);
    expect(ops(integers(1n, 0n))).toEqual(["Div", "Add"]);
  });

  it("respects the size limit", () => {
    const source = model((b) =>
      b.output(
        b.op("Add", [b.input("x", "float32", [100]), b.op("Expand", [b.f32([1]), b.i64([100])])]),
        "y",
      ),
    );
    expect(ops(foldConstants(source))).toEqual(["Add"]);
    expect(ops(foldConstants(source, { maxElements: 99 }))).toEqual(["Expand", "Add"]);
  });
});

describe("removeIdentity", () => {
  it("removes each case and keeps what changes something", () => {
    const m = model((b) => {
      const x = b.input("x", "float32", ["N", 3]);
      let v = b.op("Relu", [x]);
      v = b.op("Identity", [v]);
      v = b.op("Cast", [v], { to: int(1) });
      v = b.op("Dropout", [v]);
      v = b.op("Transpose", [v], { perm: ints([0, 1]) });
      v = b.op("Reshape", [v, b.i64([0, 3])]);
      v = b.op("Concat", [v], { axis: int(0) });
      v = b.op("Pad", [v, b.i64([0, 0, 0, 0])]);
      v = b.op("Slice", [v, b.i64([0]), b.i64([3]), b.i64([1])]);
      v = b.op("Slice", [v, b.i64([-1]), b.i64([-4]), b.i64([1]), b.i64([-1])]);
      v = b.op("Pad", [v, b.i64([0, 1, 0, -1])]);
      v = b.op("Dropout", [
        v,
        b.f32(0.5),
        b.constant({ dtype: "bool", dims: [], data: Uint8Array.of(1) }),
      ]);
      b.output(b.op("Identity", [v]), "y");
    });
    const after = removeIdentity(m);
    expect(ops(after)).toEqual(["Relu", "Slice", "Pad", "Dropout"]);
    expect(after.graph.outputs.map((v) => v.name)).toEqual(["y"]);
    expect(after.graph.outputs[0]?.producer()?.op).toBe("Dropout");
  });

  it("keeps a node between two public names", () => {
    const m = model((b) => {
      const x = b.input("x", "float32", [1]);
      b.output(x, "y");
      const r = b.output(b.op("Relu", [x]), "r");
      b.output(r, "s");
    });
    expect(ops(removeIdentity(m))).toEqual(["Identity", "Relu", "Identity"]);
  });
});

describe("commonSubexpressions", () => {
  it("merges equal nodes and constants, not randomness nor outputs", () => {
    const m = model((b) => {
      const x = b.input("x", "float32", [2]);
      const twin = (alpha: number) => b.op("LeakyRelu", [x], { alpha: float(alpha) });
      const w = [
        b.initializer("w0", float32([2], [1, 2])),
        b.initializer("w1", float32([2], [1, 2])),
      ] as const;
      const a = b.op("Add", [twin(0.1), w[0]]);
      const c = b.op("Add", [twin(0.1), w[1]]);
      const noise = [b.op("RandomNormalLike", [x]), b.op("RandomNormalLike", [x])] as const;
      const other = b.op("Sub", [twin(Infinity), twin(-Infinity)]);
      b.output(b.op("Mul", [a, c]), "y");
      b.output(b.op("Mul", [...noise]), "n");
      b.output(other, "o");
      b.output(b.op("Exp", [x]), "e1");
      b.output(b.op("Exp", [x]), "e2");
    });
    const after = commonSubexpressions(m);
    const count = (op: string) => ops(after).filter((o) => o === op).length;
    expect({
      leaky: count("LeakyRelu"),
      add: count("Add"),
      noise: count("RandomNormalLike"),
      exp: count("Exp"),
    }).toEqual({ leaky: 3, add: 1, noise: 2, exp: 2 });
    expect(after.graph.initializers.size).toBe(1);
    expect(after.graph.outputs.map((v) => v.name)).toEqual(["y", "n", "o", "e1", "e2"]);
  });

  it("tells 0 from -0 and one shape from another", () => {
    const m = model((b) => {
      const x = b.input("x", "float32", [2]);
      const c = [float32([1], [0]), float32([1], [-0]), float32([1, 1], [0])].map((t) =>
        b.initializer("c", t),
      );
      b.output(
        b.op("Concat", [b.op("Div", [x, c[0] as Value]), b.op("Div", [x, c[1] as Value])], {
          axis: int(0),
        }),
        "y",
      );
      b.output(b.op("Div", [x, c[2] as Value]), "z");
    });
    expect(commonSubexpressions(m).graph.initializers.size).toBe(3);
  });
});

describe("removeDeadNodes", () => {
  it("removes what no output needs", () => {
    const m = model((b) => {
      const x = b.input("x", "float32", [1]);
      b.op("Exp", [b.op("Neg", [x])]);
      b.initializer("unused", float32([1], [1]));
      b.output(b.op("Relu", [x]), "y");
    });
    const after = removeDeadNodes(m);
    expect(ops(after)).toEqual(["Relu"]);
    expect(after.graph.initializers.size).toBe(0);
    expect(after.graph.inputs[0]?.uses()).toHaveLength(1);
  });
});

describe("freezeShapes", () => {
  const source = model((b) => {
    const x = b.input("x", "float32", ["N", 3, "H", "H"]);
    const s = b.input("s", "float32", ["M", 3]);
    b.output(b.op("Relu", [x]), "y");
    b.output(b.op("Relu", [s]), "z");
  });

  it("fixes by batch, by name, by shape", () => {
    const m = freezeShapes(source, { batch: 2, symbols: { H: 8 } });
    expect(m.graph.outputs.map((v) => v.dims)).toEqual([
      [2, 3, 8, 8],
      [2, 3],
    ]);
    expect(freezeShapes(source, { inputs: { x: [1, 3, 4, 4] } }).graph.outputs[0]?.dims).toEqual([
      1, 3, 4, 4,
    ]);
    expect(source.graph.inputs[0]?.dims).toEqual(["N", 3, "H", "H"]);
  });

  it("refuses contradictions and unknown inputs", () => {
    expect(failure(() => freezeShapes(source, { inputs: { x: [1, 3, 4, 5] } })).code).toBe(
      "ONNX_SHAPE_INFERENCE",
    );
    expect(failure(() => freezeShapes(source, { inputs: { x: [1, 4, 4, 4] } })).code).toBe(
      "ONNX_SHAPE_INFERENCE",
    );
    expect(failure(() => freezeShapes(source, { inputs: { q: [1] } })).code).toBe(
      "ONNX_INVALID_GRAPH",
    );
  });
});

describe("toFloat16", () => {
  it("clamps weights into float16's range and lifts tiny ones", () => {
    const m = toFloat16(
      model((b) =>
        b.output(
          b.op("Add", [
            b.input("x", "float32", [6]),
            b.initializer("w", float32([6], [1e9, -Infinity, 1e-12, -1e-12, 0, 0.5])),
          ]),
          "y",
        ),
      ),
    );
    const half = [...m.graph.initializers.values()].find((v) => v.dtype === "float16")?.initializer;
    const tiny = 2 ** -24;
    expect(Array.from(fromFloat16Array(half?.data as Uint16Array))).toEqual([
      65504,
      -65504,
      tiny,
      -tiny,
      0,
      0.5,
    ]);
  });

  it("casts at the borders only, and keeps kept ops and their neighbours in float32", () => {
    const source = model((b) => {
      const x = b.input("x", "float32", [1, 2, 4, 4]);
      const up = b.op("Resize", [b.op("Relu", [x]), null, b.f32([1, 1, 2, 2])], {
        mode: str("nearest"),
      });
      const [values, indices] = b.multi(
        "TopK",
        [b.op("Reshape", [up, b.i64([-1])]), b.i64([3])],
        {},
        { outputs: 2 },
      );
      b.output(values as Value, "v");
      b.output(indices as Value, "i");
    });
    const m = toFloat16(source);
    expect(ops(m)).toEqual(["Cast", "Relu", "Cast", "Resize", "Cast", "Reshape", "Cast", "TopK"]);
    expect(m.graph.outputs.map((v) => [v.name, v.dtype])).toEqual([
      ["v", "float32"],
      ["i", "int64"],
    ]);
    const bare = toFloat16(source, { keepIo: false, keepFloat32Ops: [] });
    expect(ops(bare)).toEqual(["Relu", "Resize", "Reshape", "TopK"]);
    expect([bare.graph.inputs[0]?.dtype, bare.graph.outputs[0]?.dtype]).toEqual([
      "float16",
      "float16",
    ]);
    expect(bare.graph.nodes[1]?.inputs[2]?.dtype).toBe("float32");
  });

  it("counts sizes in float32", () => {
    const source = model((b) => {
      const x = b.input("x", "float32", [1, 1, "H", "W"]);
      const size = b.op("Cast", [b.op("Shape", [x], { start: int(2) })], { to: int(1) });
      const doubled = b.op("Cast", [b.op("Floor", [b.op("Mul", [size, b.f32(2)])])], {
        to: int(7),
      });
      b.output(
        b.op(
          "Resize",
          [x, null, null, b.op("Concat", [b.i64([1, 1]), doubled], { axis: int(0) })],
          { mode: str("nearest") },
        ),
        "y",
      );
      b.output(b.op("Relu", [x]), "r");
    });
    const m = toFloat16(source);
    for (const node of m.graph.nodes)
      if (node.op === "Mul" || node.op === "Floor") expect(node.outputs[0]?.dtype).toBe("float32");
    expect(m.graph.nodes.find((n) => n.op === "Relu")?.outputs[0]?.dtype).toBe("float16");
  });

  it("refuses a model whose types it cannot know", () => {
    const source = model((b) => b.output(b.op("Relu", [b.input("x", "float32", [1])]), "y"));
    const m = cloneModel(source);
    m.graph.addNode({
      op: "Mystery",
      domain: "acme",
      name: "q",
      inputs: [m.graph.inputs[0] as Value],
      outputs: [m.graph.addOutput(new Value("z"))],
    });
    const e = failure(() => toFloat16(m));
    expect(e.code).toBe("ONNX_INVALID_GRAPH");
    expect(e.message).toContain('"q" (Mystery)');
  });
});
