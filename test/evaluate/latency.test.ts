import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { measureInterleaved, measureLatency } from "../../src/evaluate/index.js";
import { float32, type HostTensor } from "../../src/tensor/index.js";
import { identity } from "../engine/tiny-model.js";

describe("latency", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ kind: "inline" });
  });
  afterAll(async () => {
    await engine.close();
  });

  it("times a real session, and counts no warm-up", async () => {
    await using session = await engine.createSession(identity("float32", [1, 256]));
    const seen: number[] = [];
    const feeds = { x: float32([1, 256], new Float32Array(256)) };
    const latency = await measureLatency(session, feeds, {
      warmup: 2,
      runs: 9,
      onProgress: ({ fraction }) => seen.push(fraction),
    });
    expect(latency.runs).toBe(9);
    expect(seen).toHaveLength(11);
    expect(seen.at(-1)).toBe(1);
    expect(latency.minMs).toBeGreaterThan(0);
    expect(latency.minMs).toBeLessThanOrEqual(latency.medianMs);
    expect(latency.medianMs).toBeLessThanOrEqual(latency.p95Ms);
  });

  it("gives every session as many runs, in turn, each round beginning with another", async () => {
    const order: string[] = [];
    const session = (name: string) => ({
      feeds: {},
      session: {
        run: (): Promise<Record<string, HostTensor>> => {
          order.push(name);
          return Promise.resolve({});
        },
      },
    });
    const result = await measureInterleaved(
      { a: session("a"), b: session("b"), c: session("c") },
      { warmup: 0, runs: 3 },
    );
    expect(order.join("")).toBe("abcbcacab");
    expect([result.a.runs, result.b.runs, result.c.runs]).toEqual([3, 3, 3]);
  });

  it("stops at the signal", async () => {
    const abort = new AbortController();
    const session = {
      run: (): Promise<Record<string, HostTensor>> => {
        abort.abort();
        return Promise.resolve({});
      },
    };
    await expect(measureLatency(session, {}, { signal: abort.signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});
