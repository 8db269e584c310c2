import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import { openEngine } from "../../src/engine/index.js";
import {
  cloneModel,
  createBuilder,
  float,
  floats,
  int,
  ints,
  loadModel,
  parseModel,
  parseTensor,
  serializeModel,
  serializeTensor,
  str,
  tensorAttribute,
  type Model,
} from "../../src/onnx/index.js";
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type GraphProtoSchema,
} from "../../src/onnx/proto/generated/onnx_pb.js";
import { float32, type HostTensor } from "../../src/tensor/index.js";

async function failure(run: () => unknown): Promise<EdgeDistillError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

/** Bytes of a model around the given graph fields. */
function modelBytes(
  graph: MessageInitShape<typeof GraphProtoSchema>,
  rest: Omit<MessageInitShape<typeof ModelProtoSchema>, "$typeName" | "$unknown"> = {},
): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph, ...rest }),
  );
}

const relu = { opType: "Relu", name: "r", input: ["x"], output: ["y"] };
const floatInput = (name: string) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: { elemType: 1, shape: { dim: [{ value: { case: "dimValue" as const, value: 2n } }] } },
    },
  },
});

function smallModel(): Model {
  const b = createBuilder();
  const x = b.input("x", "float32", ["N", 4]);
  const w = b.initializer(
    "w",
    float32(
      [4, 3],
      Float32Array.from({ length: 12 }, (_, i) => i / 3),
    ),
  );
  const y = b.op("Clip", [b.op("MatMul", [x, w]), null, b.f32(2)]);
  b.output(b.op("LeakyRelu", [y], { alpha: float(0.25) }), "y");
  return b.model({ author: "a test" });
}

const TENSORS: readonly HostTensor[] = [
  float32([2, 2], [1, -2, 3.5, Infinity]),
  { dtype: "float64", dims: [1], data: Float64Array.of(Math.PI) },
  { dtype: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0xfbff) },
  { dtype: "bfloat16", dims: [1], data: Uint16Array.of(0x3f80) },
  { dtype: "int8", dims: [2], data: Int8Array.of(-128, 127) },
  { dtype: "uint8", dims: [1], data: Uint8Array.of(255) },
  { dtype: "int16", dims: [1], data: Int16Array.of(-32768) },
  { dtype: "uint16", dims: [1], data: Uint16Array.of(65535) },
  { dtype: "int32", dims: [1], data: Int32Array.of(-(2 ** 31)) },
  { dtype: "uint32", dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { dtype: "int64", dims: [], data: BigInt64Array.of(-(2n ** 63n)) },
  { dtype: "uint64", dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  { dtype: "bool", dims: [3], data: Uint8Array.of(1, 0, 1) },
  { dtype: "string", dims: [2], data: ["", "größe"] },
  { dtype: "float32", dims: [0, 4], data: new Float32Array(0) },
];

describe("tensors", () => {
  it.each(TENSORS.map((t) => [t.dtype, t] as const))("%s survives as raw data", (_, tensor) => {
    expect(parseTensor(serializeTensor(tensor, { name: "t" }))).toEqual(tensor);
  });

  it("reads the typed fields", () => {
    const parse = (init: MessageInitShape<typeof TensorProtoSchema>) =>
      parseTensor(toBinary(TensorProtoSchema, create(TensorProtoSchema, init))).data;
    expect(parse({ dataType: 1, dims: [2n], floatData: [1, 2.5] })).toEqual(
      Float32Array.of(1, 2.5),
    );
    expect(parse({ dataType: 11, dims: [1n], doubleData: [0.1] })).toEqual(Float64Array.of(0.1));
    expect(parse({ dataType: 7, dims: [1n], int64Data: [-5n] })).toEqual(BigInt64Array.of(-5n));
    expect(parse({ dataType: 13, dims: [1n], uint64Data: [5n] })).toEqual(BigUint64Array.of(5n));
    expect(parse({ dataType: 12, dims: [1n], uint64Data: [7n] })).toEqual(Uint32Array.of(7));
    expect(parse({ dataType: 10, dims: [1n], int32Data: [0x3c00] })).toEqual(
      Uint16Array.of(0x3c00),
    );
    expect(parse({ dataType: 16, dims: [1n], int32Data: [0x3f80] })).toEqual(
      Uint16Array.of(0x3f80),
    );
    expect(parse({ dataType: 3, dims: [2n], int32Data: [-1, 4] })).toEqual(Int8Array.of(-1, 4));
    expect(parse({ dataType: 9, dims: [2n], int32Data: [1, 0] })).toEqual(Uint8Array.of(1, 0));
  });

  it("keeps aligned weights as views of the file", () => {
    const model = smallModel();
    // one of these four paddings puts the weights on a multiple of 4
    const shared = ["", "a", "ab", "abc"].map((pad) => {
      model.graph.name = `graph${pad}`;
      const bytes = new Uint8Array(serializeModel(model));
      const weight = parseModel(bytes).graph.initializers.get("w")?.initializer;
      return (weight?.data as Float32Array).buffer === bytes.buffer;
    });
    expect(shared.filter(Boolean)).toHaveLength(1);
  });

  it.each<[string, MessageInitShape<typeof TensorProtoSchema>, string]>([
    ["too few bytes", { dataType: 1, dims: [3n], rawData: new Uint8Array(8) }, "ONNX_CORRUPT"],
    ["half an element", { dataType: 1, dims: [1n], rawData: new Uint8Array(3) }, "ONNX_CORRUPT"],
    ["too many typed elements", { dataType: 7, dims: [1n], int64Data: [1n, 2n] }, "ONNX_CORRUPT"],
    ["a negative dimension", { dataType: 1, dims: [-1n, -1n], floatData: [1] }, "ONNX_CORRUPT"],
    ["absurd dimensions", { dataType: 1, dims: [2n ** 40n, 2n ** 40n] }, "ONNX_CORRUPT"],
    ["a complex type", { dataType: 14, dims: [1n], floatData: [1, 2] }, "ONNX_UNSUPPORTED"],
    [
      "a segment",
      { dataType: 1, dims: [1n], floatData: [1], segment: { begin: 0n, end: 1n } },
      "ONNX_UNSUPPORTED",
    ],
  ])("refuses %s", async (_, init, code) => {
    const bytes = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name: "w", ...init }));
    const e = await failure(() => parseTensor(bytes, { name: "input_0.pb" }));
    expect(e.code).toBe(code);
    expect(e.message).toContain("input_0.pb");
    expect(e.message).toContain('"w"');
  });
});

describe("models", () => {
  it("keeps every kind of attribute", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [10]);
    b.output(b.op("Slice", [x, b.i64([0]), b.i64([Number.MAX_SAFE_INTEGER])]), "y");
    b.graph.nodes[0]?.attributes.set("n", int(-3));
    const all = {
      a: int(2 ** 63),
      b: ints([]),
      c: float(0.5),
      d: floats([1, 2]),
      e: str("ü"),
      f: tensorAttribute(float32([1], [7])),
    };
    for (const [name, attribute] of Object.entries(all))
      b.graph.nodes[0]?.attributes.set(name, attribute);
    b.graph.nodes[0]?.attributes.set("g", { type: "strings", value: ["p", ""] });
    const [node] = parseModel(serializeModel(b.model())).graph.nodes;
    expect(node?.attributes).toEqual(b.graph.nodes[0]?.attributes);
  });

  it("keeps metadata, symbols, omitted inputs and domains, in stable bytes", () => {
    const bytes = serializeModel(smallModel());
    const model = parseModel(bytes);
    expect(model.metadata).toEqual(new Map([["author", "a test"]]));
    expect(model.graph.inputs[0]?.dims).toEqual(["N", 4]);
    expect(model.graph.nodes.find((n) => n.op === "Clip")?.inputs[1]).toBeNull();
    expect(Buffer.compare(serializeModel(smallModel()), bytes)).toBe(0);
    model.graph.addNode({
      op: "Gelu",
      domain: "com.microsoft",
      name: "g",
      inputs: [],
      outputs: [],
    });
    expect(parseModel(serializeModel(model)).opsets.get("com.microsoft")).toBe(1);
  });

  it("refuses a fractional int attribute on writing", async () => {
    const model = smallModel();
    model.graph.nodes[0]?.attributes.set("axis", int(0.5));
    expect((await failure(() => serializeModel(model))).code).toBe("ONNX_INVALID_GRAPH");
  });

  it("sorts nodes that a file has out of order, and names the nameless", () => {
    const bytes = modelBytes({
      node: [
        { opType: "Relu", input: ["h"], output: ["y"] },
        { opType: "Relu", input: ["x"], output: ["h"] },
      ],
      input: [floatInput("x")],
      output: [floatInput("y")],
    });
    const { nodes } = parseModel(bytes).graph;
    expect(nodes.map((n) => n.outputs[0]?.name)).toEqual(["h", "y"]);
    expect(new Set(nodes.map((n) => n.name)).size).toBe(2);
  });

  it("drops the input listings of initializers that IR version 3 demands", () => {
    const graph = {
      node: [{ opType: "Add", name: "a", input: ["x", "w"], output: ["y"] }],
      input: [floatInput("x"), floatInput("w")],
      output: [floatInput("y")],
      initializer: [{ name: "w", dataType: 1, dims: [2n], floatData: [1, 2] }],
    };
    expect(
      parseModel(modelBytes(graph, { irVersion: 3n })).graph.inputs.map((v) => v.name),
    ).toEqual(["x"]);
    expect(parseModel(modelBytes(graph)).graph.inputs.map((v) => v.name)).toEqual(["x", "w"]);
  });

  it("runs subgraphs that read values from outside, also as a copy", async () => {
    const branch = (opType: string) => ({
      name: opType,
      node: [{ opType, name: `n_${opType}`, input: ["h"], output: [`out_${opType}`] }],
      output: [floatInput(`out_${opType}`)],
    });
    const bytes = modelBytes({
      node: [
        { opType: "Add", name: "add", input: ["x", "x"], output: ["h"] },
        {
          opType: "If",
          name: "if",
          input: ["c"],
          output: ["y"],
          attribute: [
            { name: "then_branch", type: AttributeProto_AttributeType.GRAPH, g: branch("Neg") },
            { name: "else_branch", type: AttributeProto_AttributeType.GRAPH, g: branch("Abs") },
          ],
        },
      ],
      input: [
        floatInput("x"),
        {
          name: "c",
          type: { value: { case: "tensorType", value: { elemType: 9, shape: { dim: [] } } } },
        },
      ],
      output: [floatInput("y")],
    });
    const copy = cloneModel(parseModel(bytes));
    const h = copy.graph.value("h");
    // uses inside the branches count; the copy's branches read the copy's values
    expect(h?.uses().map((u) => u.node.op)).toEqual(["Neg", "Abs"]);
    expect(copy.graph.removeDeadNodes()).toBe(0);
    await using engine = await openEngine({ kind: "inline" });
    await using session = await engine.createSession(serializeModel(copy));
    for (const [c, expected] of [
      [1, [-2, 4]],
      [0, [2, 4]],
    ] as const) {
      const { y } = await session.run({
        x: float32([2], [1, -2]),
        c: { dtype: "bool", dims: [], data: Uint8Array.of(c) },
      });
      expect(Array.from(y?.data as Float32Array)).toEqual(expected);
    }
  });
});

describe("damaged and foreign files", () => {
  it("refuses every truncation with our own error", () => {
    const bytes = serializeModel(smallModel());
    let refused = 0;
    for (let n = 0; n < bytes.length; n++) {
      try {
        parseModel(bytes.subarray(0, n), { name: "cut.onnx" });
      } catch (error) {
        if (!(error instanceof EdgeDistillError)) throw error;
        expect(error.message).toContain("cut.onnx");
        expect(error.hint).toBeTruthy();
        refused++;
      }
    }
    // only the metadata at the very end can go unnoticed
    expect(refused).toBeGreaterThanOrEqual(bytes.length - 1);
  });

  it("survives changed bytes: a model or our own error, never another", () => {
    const bytes = serializeModel(smallModel());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const damaged = bytes.slice();
          for (const [at, value] of edits) damaged[at] = value;
          try {
            parseModel(damaged);
          } catch (error) {
            if (!(error instanceof EdgeDistillError)) throw error;
          }
        },
      ),
      { numRuns: 2000, seed: 7 },
    );
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["a web page", new TextEncoder().encode("<!DOCTYPE html><html><body>404</body></html>")],
    ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13)],
    [
      "a model without an opset",
      modelBytes(
        { node: [relu], input: [floatInput("x")], output: [floatInput("y")] },
        { opsetImport: [] },
      ),
    ],
  ])("calls %s damaged", async (_, bytes) => {
    const e = await failure(() => parseModel(bytes, { name: "m.onnx" }));
    expect(e.code).toBe("ONNX_CORRUPT");
    expect(e.message).toContain("m.onnx");
  });

  const io = { input: [floatInput("x")], output: [floatInput("y")] };
  it.each<[string, MessageInitShape<typeof GraphProtoSchema>, RegExp]>([
    [
      "a node that reads nothing",
      { ...io, node: [{ ...relu, input: ["ghost"] }] },
      /"r" \(Relu\) reads "ghost"/,
    ],
    ["an output without a node", { ...io, node: [{ ...relu, output: ["z"] }] }, /output "y"/],
    [
      "a value computed twice",
      { ...io, node: [relu, { ...relu, name: "s" }] },
      /"y" is given to two/,
    ],
    [
      "a cycle",
      {
        ...io,
        node: [
          { ...relu, input: ["z"] },
          { ...relu, name: "s", input: ["y"], output: ["z"] },
        ],
      },
      /Cycle/,
    ],
    [
      "two initializers of one name",
      {
        ...io,
        node: [relu],
        initializer: [1, 2].map((v) => ({ name: "w", dataType: 1, floatData: [v] })),
      },
      /two initializers/,
    ],
  ])("refuses %s", async (_, graph, message) => {
    const e = await failure(() => parseModel(modelBytes(graph), { name: "m.onnx" }));
    expect(e.code).toBe("ONNX_INVALID_GRAPH");
    expect(e.message).toMatch(message);
  });

  it("refuses what it does not handle by name", async () => {
    const graph = { ...io, node: [relu] };
    for (const bytes of [
      modelBytes(graph, { functions: [{ name: "f", domain: "local" }] }),
      modelBytes({ ...graph, sparseInitializer: [{}] }),
      modelBytes({
        ...graph,
        input: [{ name: "x", type: { value: { case: "sequenceType", value: {} } } }],
      }),
      modelBytes({
        ...graph,
        node: [{ ...relu, attribute: [{ name: "t", type: AttributeProto_AttributeType.TENSORS }] }],
      }),
      modelBytes({
        ...graph,
        node: [
          {
            ...relu,
            attribute: [{ name: "i", type: AttributeProto_AttributeType.INT, i: 2n ** 60n + 1n }],
          },
        ],
      }),
    ])
      expect((await failure(() => parseModel(bytes))).code).toBe("ONNX_UNSUPPORTED");
  });
});

describe("external data", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "edge-distill-external-"));
    await mkdir(join(folder, "model"));
    await writeFile(
      join(folder, "model", "weights.bin"),
      new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer),
    );
    await writeFile(join(folder, "secret"), new Uint8Array(64));
    await symlink(join(folder, "secret"), join(folder, "model", "link.bin"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function load(entries: Record<string, string>): Promise<Model> {
    const path = join(folder, "model", "m.onnx");
    await writeFile(
      path,
      modelBytes({
        node: [{ opType: "Add", name: "a", input: ["x", "w"], output: ["y"] }],
        input: [floatInput("x")],
        output: [floatInput("y")],
        initializer: [
          {
            name: "w",
            dataType: 1,
            dims: [2n],
            dataLocation: TensorProto_DataLocation.EXTERNAL,
            externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
          },
        ],
      }),
    );
    return loadModel(path);
  }

  it("is read at its offset", async () => {
    const model = await load({ location: "weights.bin", offset: "4", length: "8" });
    expect(model.graph.initializers.get("w")?.initializer).toEqual(float32([2], [1, 2]));
  });

  it.each(["../secret", "/etc/hostname", "sub/../../secret", "link.bin", "", "..\\secret"])(
    "may not leave its folder: %s",
    async (location) => {
      const e = await failure(() => load({ location, length: "8" }));
      expect(e.code).toBe("ONNX_EXTERNAL_DATA");
      expect(e.message).toContain('"w"');
    },
  );

  it("must be there, long enough, and of the right size", async () => {
    expect((await failure(() => load({ location: "none.bin" }))).code).toBe("IO_NOT_FOUND");
    expect(
      (await failure(() => load({ location: "weights.bin", offset: "12", length: "8" }))).code,
    ).toBe("ONNX_CORRUPT");
    expect((await failure(() => load({ location: "weights.bin", offset: "-4" }))).code).toBe(
      "ONNX_CORRUPT",
    );
    expect((await failure(() => load({ location: "weights.bin" }))).code).toBe("ONNX_CORRUPT");
  });

  it("needs a folder when the model comes as bytes", async () => {
    const bytes = serializeTensor(float32([2], [1, 2]));
    expect(parseTensor(bytes).dims).toEqual([2]);
    const external = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, {
        name: "w",
        dataType: 1,
        dims: [2n],
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [{ key: "location", value: "weights.bin" }],
      }),
    );
    expect((await failure(() => parseTensor(external))).code).toBe("ONNX_EXTERNAL_DATA");
  });
});
