import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  generateSigningKeys,
  openBundle,
  packBundle,
  type BundleDraft,
  type OpenBundle,
  type VariantDraft,
} from "../../src/bundle/index.js";
import { loadDeviceProfile, machineFacts } from "../../src/device/index.js";
import { inputSpec } from "../../src/image/index.js";
import { loadVariant } from "../../src/runtime/load-variant.js";
import { openRuntime, type RuntimeEvent } from "../../src/runtime/index.js";
import { tinyModel } from "../engine/tiny-model.js";
import { brightnessModel, fp32, SIDE, temporaryFolder, tinyDraft } from "./tiny-bundle.js";

/** A variant that every rule speaks for, whose operator no ONNX Runtime knows. */
const UNLOADABLE: VariantDraft = {
  name: "int8-ort-cpu",
  precision: "int8",
  target: "ort-cpu",
  audited: true,
  integerConvs: [4, 4],
  integerMacShare: 1,
  accuracy: { metric: "map50", value: 0.9, images: 10 },
  model: tinyModel("NoSuchOperator", {
    inputs: [{ name: "x", type: "float32", dims: [1, 3, SIDE, SIDE] }],
    outputs: [{ name: "y", type: "float32", dims: [1, 1, 5] }],
  }),
};

async function pack(draft: BundleDraft): Promise<{ bundle: string; trustedKeys: string[] }> {
  const bundle = join(temporaryFolder(), "bundle");
  const { privatePem, publicPem } = generateSigningKeys();
  await packBundle(bundle, draft, { privateKey: privatePem });
  return { bundle, trustedKeys: [publicPem] };
}

async function load(
  bundle: OpenBundle,
  name?: string,
): Promise<{ events: RuntimeEvent[]; variant: string }> {
  const events: RuntimeEvent[] = [];
  const { engine, selection } = await loadVariant(bundle, {
    profile: await loadDeviceProfile("generic-x64-cpu"),
    machine: { ...(await machineFacts()), int8DotProduct: true },
    emit: (event) => events.push(event),
    name,
    workers: 1,
    threadsPerWorker: undefined,
    maxAccuracyDrop: undefined,
    signal: undefined,
  });
  await engine.close();
  return { events, variant: selection.variant.name };
}

describe("a variant that does not load", () => {
  test("makes way for the next best, and is told of", async () => {
    const { bundle, trustedKeys } = await pack(tinyDraft([fp32(brightnessModel()), UNLOADABLE]));
    const { events, variant } = await load(await openBundle(bundle, { trustedKeys }));
    expect(variant).toBe("fp32");
    expect(events).toMatchObject([
      { kind: "variant-failed", variant: "int8-ort-cpu", error: { code: "ENGINE_LOAD" } },
      {
        kind: "variant-selected",
        selection: {
          rejected: [
            { name: "int8-ort-cpu", why: expect.stringContaining("NoSuchOperator") as string },
          ],
        },
      },
    ]);
  });

  test("is the end when it was asked for by name, or is the only one", async () => {
    const { bundle, trustedKeys } = await pack(tinyDraft([fp32(brightnessModel()), UNLOADABLE]));
    const opened = await openBundle(bundle, { trustedKeys });
    await expect(load(opened, "int8-ort-cpu")).rejects.toMatchObject({
      code: "RUNTIME_NO_VARIANT",
      message: expect.stringContaining("NoSuchOperator") as string,
    });
    const alone = await pack(tinyDraft([UNLOADABLE]));
    const { trustedKeys: keys } = alone;
    await expect(load(await openBundle(alone.bundle, { trustedKeys: keys }))).rejects.toMatchObject(
      { code: "RUNTIME_NO_VARIANT" },
    );
  });
});

describe("a bundle whose parts do not fit together does not open", () => {
  const draft = tinyDraft([fp32(brightnessModel())]);

  test("classes and decoder against the model's output", async () => {
    const wrong = await pack({ ...draft, classes: ["bright", "dark"] });
    await expect(openRuntime({ ...wrong, workers: 1 })).rejects.toMatchObject({
      code: "DECODE_SHAPE",
    });
    const unknown = await pack({ ...draft, decoder: { ...draft.decoder, id: "crystal-ball" } });
    await expect(openRuntime({ ...unknown, workers: 1 })).rejects.toMatchObject({
      code: "DECODE_UNKNOWN",
    });
  });

  test("input description against the model's input", async () => {
    const larger = await pack({ ...draft, input: inputSpec({ widthPx: 64, heightPx: 64 }) });
    await expect(openRuntime({ ...larger, workers: 1 })).rejects.toMatchObject({
      code: "ENGINE_FEED",
    });
    const bytes = await pack({
      ...draft,
      input: inputSpec({ widthPx: SIDE, heightPx: SIDE, dtype: "uint8" }),
    });
    await expect(openRuntime({ ...bytes, workers: 1 })).rejects.toMatchObject({
      code: "ENGINE_FEED",
    });
  });
});
