import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calibrationPresetIds, loadCalibrationPreset } from "../../src/quantize/index.js";

describe("calibration presets", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "preset-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("the ones shipped all load", async () => {
    const ids = await calibrationPresetIds();
    expect(ids).toContain("default");
    for (const id of ids) expect((await loadCalibrationPreset(id)).id).toBe(id);
  });

  it("an unknown id is refused with the known ones", async () => {
    await expect(loadCalibrationPreset("best")).rejects.toMatchObject({
      code: "QUANTIZE_PRESET_UNKNOWN",
      message: expect.stringContaining("default") as string,
    });
  });

  it.each([
    [
      "wrong-field",
      {
        id: "wrong-field",
        method: "minmax",
        sampleCount: 8,
        seed: 1,
        activations: "per-tensor",
        weights: "per-channel",
        colour: 1,
      },
      "",
    ],
    [
      "wrong-method",
      {
        id: "wrong-method",
        method: "best",
        sampleCount: 8,
        seed: 1,
        activations: "per-tensor",
        weights: "per-channel",
      },
      "field method",
    ],
    [
      "no-percentile",
      {
        id: "no-percentile",
        method: "percentile",
        sampleCount: 8,
        seed: 1,
        activations: "per-tensor",
        weights: "per-channel",
      },
      "field percentile",
    ],
    [
      "other-name",
      {
        id: "another",
        method: "minmax",
        sampleCount: 8,
        seed: 1,
        activations: "per-tensor",
        weights: "per-channel",
      },
      "field id",
    ],
  ])("%s is refused with file and field", async (name, content, place) => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, JSON.stringify(content));
    await expect(loadCalibrationPreset(path)).rejects.toMatchObject({
      code: "QUANTIZE_PRESET_INVALID",
      message: expect.stringContaining(place) as string,
      details: { path },
    });
  });

  it("what is not JSON is refused by file, what is not there too", async () => {
    const path = join(folder, "broken.json");
    await writeFile(path, "{");
    await expect(loadCalibrationPreset(path)).rejects.toMatchObject({
      code: "QUANTIZE_PRESET_INVALID",
    });
    await expect(loadCalibrationPreset(join(folder, "absent.json"))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });
});
