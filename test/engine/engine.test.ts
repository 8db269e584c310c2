import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  float32,
  int64,
  tensor,
  toFloat16Array,
  zeros,
  type HostTensor,
} from "../../src/tensor/index.js";
import { identity, matmul, tinyModel } from "./tiny-model.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-engine-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The contract that both engines keep. */
describe.each(["inline", "worker"] as const)("%s engine", (kind) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ kind });
  });
  afterAll(async () => {
    await engine.close();
  });

  test("tells its kind and ONNX Runtime's version", () => {
    expect(engine.kind).toBe(kind);
    expect(engine.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  const roundTrips: {
    type: "float32" | "int64" | "uint8" | "bool" | "float16" | "string";
    x: HostTensor;
  }[] = [
    { type: "float32", x: float32([2, 2], [1, -2.5, 3e8, 0]) },
    { type: "int64", x: tensor("int64", [2, 2], BigInt64Array.of(1n, -2n, 2n ** 62n, 0n)) },
    { type: "uint8", x: tensor("uint8", [2, 2], Uint8Array.of(0, 1, 128, 255)) },
    { type: "bool", x: tensor("bool", [2, 2], Uint8Array.of(0, 1, 1, 0)) },
    { type: "float16", x: tensor("float16", [2, 2], toFloat16Array([1, -2, 0.5, 65504])) },
    { type: "string", x: tensor("string", [2, 2], ["a", "", "ä", "four"]) },
  ];
  test.each(roundTrips)("passes $type through unchanged", async ({ type, x }) => {
    await using session = await engine.createSession(identity(type, [2, "n"]));
    expect(session.inputs).toEqual([{ name: "x", dtype: type, dims: [2, "n"] }]);
    const { y } = await session.run({ x });
    expect(y).toEqual(x);
  });

  test("takes empty tensors, views into larger buffers and shared memory", async () => {
    await using session = await engine.createSession(identity("float32", ["n"]));
    expect((await session.run({ x: zeros("float32", [0]) })).y?.dims).toEqual([0]);
    const view = Float32Array.of(9, 1, 2, 3, 9).subarray(1, 4);
    expect((await session.run({ x: float32([3], view) })).y?.data).toEqual(
      Float32Array.of(1, 2, 3),
    );
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([4, 5]);
    expect((await session.run({ x: float32([2], shared) })).y?.data).toEqual(Float32Array.of(4, 5));
  });

  test("computes only the outputs asked for, from a file", async () => {
    const path = join(folder, `add-${kind}.onnx`);
    const port = (name: string): { name: string; type: "float32"; dims: number[] } => ({
      name,
      type: "float32",
      dims: [2],
    });
    await writeFile(
      path,
      tinyModel("Add", { inputs: [port("a"), port("b")], outputs: [port("sum")] }),
    );
    await using session = await engine.createSession(path);
    const feeds = { a: float32([2], [1, 2]), b: float32([2], [10, 20]) };
    expect(await session.run(feeds, { outputs: ["sum"] })).toEqual({ sum: float32([2], [11, 22]) });
    await expect(session.run(feeds, { outputs: ["difference"] })).rejects.toMatchObject({
      code: "ENGINE_FEED",
      message: expect.stringContaining('no output "difference"') as string,
    });
  });

  test("keeps overlapping runs apart and in their own buffers", async () => {
    await using session = await engine.createSession(identity("int64", [1]));
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) => session.run({ x: int64([i]) })),
    );
    expect(results.map(({ y }) => Number(y?.data[0]))).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  const badFeeds: { why: string; feeds: Record<string, HostTensor>; says: string }[] = [
    { why: "a missing input", feeds: {}, says: 'input "x" (float32 [n, 3]) is missing' },
    {
      why: "an unknown input",
      feeds: { z: float32([1], [1]) },
      says: 'no input "z"; its inputs are "x"',
    },
    {
      why: "another type",
      feeds: { x: int64([1, 2, 3], [1, 3]) },
      says: "should be float32 [n, 3], got int64 [1, 3]",
    },
    {
      why: "another fixed dimension",
      feeds: { x: zeros("float32", [1, 4]) },
      says: "got float32 [1, 4]",
    },
    { why: "another rank", feeds: { x: zeros("float32", [3]) }, says: "got float32 [3]" },
    {
      why: "data that does not fill the shape",
      feeds: { x: { dtype: "float32", dims: [1, 3], data: new Float32Array(2) } },
      says: "holds 2 elements",
    },
  ];
  test.each(badFeeds)("refuses $why", async ({ feeds, says }) => {
    await using session = await engine.createSession(identity("float32", ["n", 3]), {
      name: "tiny",
    });
    await expect(session.run(feeds)).rejects.toMatchObject({
      code: "ENGINE_FEED",
      message: expect.stringContaining(says) as string,
    });
  });

  test("falls back along the provider chain and records each attempt", async () => {
    await using session = await engine.createSession(identity("float32", [1]), {
      providers: ["cuda", "cpu"],
    });
    expect(session.provider).toBe("cpu");
    expect(session.attempts.map(({ provider, ok }) => ({ provider, ok }))).toEqual([
      { provider: "cuda", ok: false },
      { provider: "cpu", ok: true },
    ]);
    expect(session.attempts[0]?.error).toBeTruthy();
  });

  test("says what it tried when no provider works", async () => {
    await expect(
      engine.createSession(identity("float32", [1]), { providers: ["tensorrt", "cuda"] }),
    ).rejects.toMatchObject({
      code: "ENGINE_PROVIDER",
      message: expect.stringMatching(/tensorrt .*cuda/) as string,
    });
  });

  test("names a corrupt, a missing and an unsupported model", async () => {
    const whole = matmul(4);
    const path = join(folder, `truncated-${kind}.onnx`);
    await writeFile(path, whole.subarray(0, whole.length - 9));
    await expect(engine.createSession(path)).rejects.toMatchObject({
      code: "ONNX_CORRUPT",
      message: expect.stringContaining(path) as string,
    });
    await expect(engine.createSession(new Uint8Array(0))).rejects.toMatchObject({
      code: "ONNX_CORRUPT",
    });
    await expect(engine.createSession(join(folder, "absent.onnx"))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
    await expect(engine.createSession(folder)).rejects.toMatchObject({ code: "ENGINE_LOAD" });
    const port = { name: "x", type: "float32" as const, dims: [1] };
    const unknownOp = tinyModel("NoSuchOp", { inputs: [port], outputs: [{ ...port, name: "y" }] });
    await expect(engine.createSession(unknownOp, { name: "odd.onnx" })).rejects.toMatchObject({
      code: "ENGINE_LOAD",
      message: expect.stringMatching(/odd\.onnx.*NoSuchOp/) as string,
    });
  });

  test("turns a failure inside the model into ENGINE_RUN", async () => {
    const model = tinyModel("Reshape", {
      inputs: [
        { name: "x", type: "float32", dims: ["n"] },
        { name: "shape", type: "int64", dims: [1] },
      ],
      outputs: [{ name: "y", type: "float32", dims: ["m"] }],
    });
    await using session = await engine.createSession(model, { name: "reshape" });
    await expect(
      session.run({ x: zeros("float32", [3]), shape: int64([2]) }),
    ).rejects.toMatchObject({
      code: "ENGINE_RUN",
      message: expect.stringContaining("reshape") as string,
    });
  });

  test("ends an aborted run with INTERRUPTED and goes on", async () => {
    await using session = await engine.createSession(identity("float32", [1]));
    const x = float32([1], [1]);
    await expect(session.run({ x }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    const abort = new AbortController();
    const runs = Array.from({ length: 5 }, () => session.run({ x }, { signal: abort.signal }));
    abort.abort();
    for (const result of await Promise.allSettled(runs))
      expect(result).toMatchObject({ status: "rejected", reason: { code: "INTERRUPTED" } });
    expect(await session.run({ x })).toEqual({ y: x });
  });

  test("writes profile and optimized model under the names given", async () => {
    const profilePath = join(folder, `profile-${kind}.json`);
    const optimizedModelPath = join(folder, `optimized-${kind}.onnx`);
    const session = await engine.createSession(matmul(4), {
      profilePath,
      optimizedModelPath,
      intraOpThreads: 1,
      interOpThreads: 1,
      graphOptimization: "basic",
      enableMemPattern: false,
      enableCpuMemArena: false,
      config: { "session.disable_prepacking": "1" },
    });
    await session.run({ a: zeros("float32", [4, 4]), b: zeros("float32", [4, 4]) });
    await session.close();
    const events = JSON.parse(await readFile(profilePath, "utf8")) as {
      args?: { op_name?: string };
    }[];
    expect(events.some((event) => event.args?.op_name === "MatMul")).toBe(true);
    await using reloaded = await engine.createSession(optimizedModelPath);
    expect(reloaded.inputs.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("refuses work after close, and close waits for runs under way", async () => {
    const own = await openEngine({ kind });
    const session = await own.createSession(identity("float32", [1]));
    const x = float32([1], [7]);
    const run = session.run({ x });
    await session.close();
    expect(await run).toEqual({ y: x });
    await session.close();
    await expect(session.run({ x })).rejects.toMatchObject({ code: "ENGINE_CLOSED" });
    await own.close();
    await own.close();
    await expect(own.createSession(identity("float32", [1]))).rejects.toMatchObject({
      code: "ENGINE_CLOSED",
    });
  });
});
