import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobConfigJsonSchema } from "../../src/job/index.js";
import { MESSAGE_KINDS, messageJsonSchemas } from "../../src/wire/index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-schemas-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function generate(...args: string[]): Promise<{ status: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--import", "tsx", "scripts/generate-schemas.ts", ...args],
      (error, _stdout, stderr) =>
        resolve({ status: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

describe("the JSON Schemas", () => {
  it("in docs/schemas are up to date", async () => {
    for (const [kind, schema] of Object.entries(messageJsonSchemas()))
      expect(JSON.parse(await readFile(`docs/schemas/${kind}.v1.json`, "utf8"))).toEqual(schema);
    const config: unknown = JSON.parse(await readFile("docs/schemas/job-config.v1.json", "utf8"));
    expect(config).toEqual(jobConfigJsonSchema());
    expect(await readdir("docs/schemas")).toHaveLength(MESSAGE_KINDS.length + 1);
  });

  it("say what a message must have, and allow more", () => {
    const { detections } = messageJsonSchemas();
    expect(detections).toMatchObject({
      title: "edge-distill.detections.v1",
      required: expect.arrayContaining(["id", "source", "type", "time", "data"]) as unknown,
      properties: {
        data: { required: expect.arrayContaining(["trace", "boxes", "scores"]) as unknown },
      },
    });
    expect(JSON.stringify(detections)).not.toContain('"additionalProperties":false');
  });

  it("drift is found by --check and cured by a run without it", async () => {
    await writeFile(join(folder, "state.v1.json"), "{}\n");
    const drifted = await generate("--check", "--out", folder);
    expect(drifted.status).toBe(1);
    expect(drifted.stderr).toContain("state.v1.json differs");
    expect(await generate("--out", folder)).toMatchObject({ status: 0 });
    expect(await generate("--check", "--out", folder)).toMatchObject({ status: 0 });
  });
});
