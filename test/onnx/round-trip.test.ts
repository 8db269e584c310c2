import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine, type Engine } from "../../src/engine/index.js";
import {
  inferShapes,
  loadModel,
  parseModel,
  saveModel,
  serializeModel,
} from "../../src/onnx/index.js";
import { dimsFit, noise, readNpy, REAL_MODELS, relativeError, runOnce } from "./real-models.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

describe.skipIf(!hasData("models"))("real models", () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    engine = await openEngine({ kind: "inline" });
    folder = await mkdtemp(join(tmpdir(), "edge-distill-onnx-"));
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it.each(REAL_MODELS)(
    "$name round-trips with identical outputs and stable bytes",
    async (real) => {
      const model = await loadModel(real.path);
      const path = join(folder, `${real.name}.onnx`);
      await saveModel(model, path);
      const feeds = { [real.input]: noise(real) };
      const before = await runOnce(engine, real.path, feeds);
      const after = await runOnce(engine, path, feeds);
      expect(Object.keys(after)).toEqual(Object.keys(before));
      for (const [name, tensor] of Object.entries(before)) expect(after[name]).toEqual(tensor);
      const bytes = serializeModel(model);
      expect(Buffer.compare(serializeModel(parseModel(bytes)), bytes)).toBe(0);
    },
  );

  it.each(REAL_MODELS)("$name: every inferred shape is the real one", async (real) => {
    const model = await loadModel(real.path);
    const values = model.graph.nodes.flatMap((n) => n.outputs).filter((v) => v.name !== "");
    for (const v of values) v.dims = v.dtype = undefined;
    expect(inferShapes(model).unknown).toEqual([]);
    const missing = values.filter((v) => !model.graph.outputs.includes(v));
    for (const v of missing) model.graph.addOutput(v);
    const results = await runOnce(engine, model, { [real.input]: noise(real) });
    const symbols = new Map<string, number>();
    for (const v of values) {
      const result = results[v.name];
      expect(v.dtype, v.name).toBe(result?.dtype);
      expect(
        dimsFit(v.dims, result?.dims ?? [], symbols),
        `${v.name}: ${String(v.dims)} against ${String(result?.dims)}`,
      ).toBe(true);
    }
    // a symbol is only ever the batch: nothing else is left open
    expect([...symbols.values()].every((n) => n === real.dims[0])).toBe(true);
  });

  it("squeezenet equals its reference tensors", async () => {
    const real = REAL_MODELS[0];
    if (!real) expect.unreachable();
    const bytes = serializeModel(await loadModel(real.path));
    for (const set of ["0", "1", "2"]) {
      const folderOfSet = `${DATA_FOLDER}/models/squeezenet1_1_fp32/test_data_set/${set}`;
      const [output] = Object.values(
        await runOnce(engine, bytes, { [real.input]: readNpy(`${folderOfSet}/input_0.npy`) }),
      );
      if (!output) expect.unreachable();
      expect(relativeError(output, readNpy(`${folderOfSet}/output_0.npy`))).toBeLessThan(1e-5);
    }
  });
});
