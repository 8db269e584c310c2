import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateSigningKeys } from "../../src/bundle/index.js";
import { jobKeys } from "../../src/job/signing.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-job-keys-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("jobKeys", () => {
  it("makes a pair once, and derives a public key that was lost", async () => {
    const keys = await jobKeys(folder);
    const first = await readFile(keys.public, "utf8");
    const secret = await readFile(keys.private, "utf8");
    await rm(keys.public);
    expect(await jobKeys(folder)).toEqual(keys);
    expect(await readFile(keys.public, "utf8")).toBe(first);
    expect(await readFile(keys.private, "utf8")).toBe(secret);
  });

  it("refuses a public key of another pair, and a private one that is none", async () => {
    const keys = await jobKeys(folder);
    await writeFile(keys.public, generateSigningKeys().publicPem);
    await expect(jobKeys(folder)).rejects.toMatchObject({
      code: "BUNDLE_KEY",
      message: expect.stringContaining("signing-public.pem") as string,
    });
    await writeFile(keys.private, "none");
    await expect(jobKeys(folder)).rejects.toMatchObject({ code: "BUNDLE_KEY" });
  });
});
