import { join } from "node:path";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packBundle, parseManifest, type BundleDraft } from "../../src/bundle/index.js";
import { draft, ed25519, temporaryFolder } from "./draft.js";

const keys = ed25519();

describe("a manifest with a wrong field names it by its path", () => {
  const [first, second] = draft().variants;
  const cases: [string, Record<string, unknown>][] = [
    ["classes.1", { classes: ["pit", "pit"] }],
    [
      "decoder.scoreThreshold",
      { decoder: { id: "centre", scoreThreshold: 1.5, iouThreshold: 0.5 } },
    ],
    ["input.kernel", { input: { ...draft().input, kernel: "sinc" } }],
    ["colour", { colour: "red" }],
    ["variants.0.audited", { variants: [{ ...first, audited: true }] }],
    ["variants.1.name", { variants: [second, second] }],
    ["calibration.imagesSha256", { calibration: { ...draft().calibration, imagesSha256: "AB" } }],
    ["licences.code", { licences: { code: "MIT" } }],
  ];
  it.each(cases)("%s", async (field, wrong) => {
    const folder = temporaryFolder();
    const packing = packBundle(
      join(folder, "b"),
      { ...draft(), ...wrong },
      {
        privateKey: keys.privatePem,
      },
    );
    await expect(packing).rejects.toMatchObject({ code: "BUNDLE_INVALID", details: { field } });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it("another schema version is refused with what to do", () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2 }));
  expect(() => parseManifest(bytes, "manifest.json")).toThrow(
    expect.objectContaining({
      code: "BUNDLE_INVALID",
      hint: expect.stringContaining("Update") as string,
    }),
  );
  expect(() => parseManifest(new TextEncoder().encode("{"), "manifest.json")).toThrow(
    expect.objectContaining({ code: "BUNDLE_INVALID" }),
  );
});

it.each(["../evil", "a/b", "", ".hidden"])("a variant named %j is refused", async (name) => {
  const folder = temporaryFolder();
  const [first] = draft().variants;
  const wrong = { ...draft(), variants: [{ ...first, name }] } as BundleDraft;
  await expect(
    packBundle(join(folder, "b"), wrong, { privateKey: keys.privatePem }),
  ).rejects.toMatchObject({
    code: "BUNDLE_INVALID",
  });
  expect(readdirSync(folder)).toEqual([]);
});
