import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadJobConfig, parseJobConfig } from "../../src/job/config.js";

const minimal = {
  name: "boards",
  data: { format: "deeppcb", root: "data" },
  input: { widthPx: 320, heightPx: 320 },
};

describe("parseJobConfig", () => {
  it("fills defaults and resolves paths against the file's folder", () => {
    const config = parseJobConfig(minimal, { where: "job.json", folder: "/base" });
    expect(config.data.root).toBe("/base/data");
    expect(config.output).toBe("/base/out");
    expect(config.student.scratch).toBe(true);
    expect(config.evaluation.iouThreshold).toBe(0.5);
  });

  it.each([
    [{ ...minimal, input: { widthPx: 300, heightPx: 320 } }, "input.widthPx"],
    [{ ...minimal, teacher: { onxx: "a.onnx" } }, "teacher.onxx"],
    [{ ...minimal, data: { format: "pascal", root: "x" } }, "data.format"],
    [{ ...minimal, name: "Has Spaces" }, "name"],
  ])("names the wrong field %#", (value, field) => {
    expect(() => parseJobConfig(value, { where: "job.json", folder: "/" })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`job.json: ${field}`) as string,
      }),
    );
  });
});

describe("loadJobConfig", () => {
  it("says which file is not JSON, and which does not exist", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ed-config-"));
    const path = join(folder, "job.json");
    await writeFile(path, "{ name: ");
    await expect(loadJobConfig(path)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(loadJobConfig(join(folder, "absent.json"))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });
});
