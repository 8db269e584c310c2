import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import { createBuilder, OPS, serializeModel, type Value } from "../../src/onnx/index.js";
import { dimsFit } from "./real-models.js";
import { SAMPLE_OPSET, SAMPLES } from "./op-samples.js";

const key = (op: string, domain: string): string => (domain ? `${domain}:${op}` : op);

describe("every op of the table infers what the engine computes", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ kind: "inline" });
  });
  afterAll(async () => {
    await engine.close();
  });

  it("has a sample for each", () => {
    const sampled = new Set(SAMPLES.map(([name]) => name));
    const missing = OPS.map((s) => key(s.op, s.domain)).filter((k) => !sampled.has(k));
    expect(missing).toEqual([]);
  });

  it.each(SAMPLES)("%s", async (name, write) => {
    const b = createBuilder({ opset: SAMPLE_OPSET[name] ?? 17 });
    const written = write(b);
    const outputs: readonly Value[] = Array.isArray(written)
      ? (written as readonly Value[])
      : [written as Value];
    const node = outputs[0]?.producer();
    expect(node && key(node.op, node.domain)).toBe(name);
    for (const v of outputs) b.output(v);
    await using session = await engine.createSession(serializeModel(b.model()), {
      graphOptimization: "disabled",
    });
    const results = await session.run({});
    for (const v of outputs) {
      const result = results[v.name];
      expect(v.dtype).toBe(result?.dtype);
      expect(
        dimsFit(v.dims, result?.dims ?? [], new Map()),
        `[${String(v.dims)}] against [${String(result?.dims)}]`,
      ).toBe(true);
    }
  });
});
