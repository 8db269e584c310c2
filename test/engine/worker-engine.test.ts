import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openEngine } from "../../src/engine/index.js";
import { float32, tensor, zeros } from "../../src/tensor/index.js";
import { identity, matmul } from "./tiny-model.js";

describe("worker engine", () => {
  test("leaves the event loop free while a heavy model runs", async () => {
    await using engine = await openEngine();
    const side = 1200;
    await using session = await engine.createSession(matmul(side), { intraOpThreads: 1 });
    const feeds = { a: zeros("float32", [side, side]), b: zeros("float32", [side, side]) };
    let done = false;
    let ticks = 0;
    const runs = Promise.all(Array.from({ length: 4 }, () => session.run(feeds))).then(
      () => (done = true),
    );
    while (!done) {
      await delay(1);
      ticks += 1;
    }
    await runs;
    expect(ticks).toBeGreaterThan(10);
  });

  test("copies feeds by default and empties them when they are handed over", async () => {
    await using engine = await openEngine();
    await using session = await engine.createSession(identity("float32", ["n"]));
    const x = float32([3], [1, 2, 3]);
    expect((await session.run({ x })).y).toEqual(x);
    expect(x.data.length).toBe(3);
    const { y } = await session.run({ x }, { transfer: true });
    expect(y?.data).toEqual(Float32Array.of(1, 2, 3));
    expect(x.data.length).toBe(0);
    await expect(session.run({ x })).rejects.toMatchObject({ code: "ENGINE_FEED" });
  });

  test("changing a feed after the call does not change the run", async () => {
    await using engine = await openEngine();
    await using session = await engine.createSession(identity("float32", [1]));
    const data = Float32Array.of(1);
    const run = session.run({ x: { dtype: "float32", dims: [1], data } });
    data[0] = 2;
    expect((await run).y?.data).toEqual(Float32Array.of(1));
  });

  test("shares the load among several workers, and drops a queued run on abort", async () => {
    await using engine = await openEngine({ workers: 2 });
    const side = 600;
    await using heavy = await engine.createSession(matmul(side));
    await using light = await engine.createSession(identity("float32", [1]));
    const feeds = { a: zeros("float32", [side, side]), b: zeros("float32", [side, side]) };
    const abort = new AbortController();
    const busy = Array.from({ length: 8 }, () => heavy.run(feeds));
    const dropped = light.run({ x: float32([1], [1]) }, { signal: abort.signal });
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(await Promise.all(busy)).toHaveLength(8);
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, i) => light.run({ x: float32([1], [i]) })),
    );
    expect(results.map(({ y }) => y?.data[0])).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test("a worker that runs out of memory ends every pending run with ENGINE_CRASHED", async () => {
    const engine = await openEngine({ maxHeapMiB: 24 });
    const session = await engine.createSession(identity("string", ["n"]));
    const x = tensor(
      "string",
      [1_500_000],
      Array.from({ length: 1_500_000 }, (_, i) => `a string of some length ${String(i)}`),
    );
    const one = tensor("string", [1], ["one"]);
    const runs = await Promise.allSettled([
      session.run({ x }),
      session.run({ x: one }),
      session.run({ x: one }),
    ]);
    for (const run of runs)
      expect(run).toMatchObject({ status: "rejected", reason: { code: "ENGINE_CRASHED" } });
    await expect(session.run({ x: one })).rejects.toMatchObject({
      code: "ENGINE_CRASHED",
      hint: expect.stringContaining("Open a new engine") as string,
    });
    await expect(engine.createSession(identity("string", [1]))).rejects.toMatchObject({
      code: "ENGINE_CRASHED",
    });
    await session.close();
    await engine.close();
  });

  test("runs queued when the engine closes end with ENGINE_CLOSED", async () => {
    const engine = await openEngine();
    const session = await engine.createSession(matmul(300));
    const feeds = { a: zeros("float32", [300, 300]), b: zeros("float32", [300, 300]) };
    const runs = Array.from({ length: 12 }, () => session.run(feeds));
    const settled = Promise.allSettled(runs);
    await engine.close();
    const codes = (await settled).map((run) =>
      run.status === "fulfilled" ? "done" : (run.reason as { code: string }).code,
    );
    expect(new Set(codes)).toEqual(new Set(["done", "ENGINE_CLOSED"]));
  });
});
