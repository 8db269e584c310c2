import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { draft, temporaryFolder } from "../bundle/draft.js";
import { run } from "./run.js";

let folder = "";
const at = (name: string): string => join(folder, name);

/** A pair of keys, two models, and the draft that names them. */
beforeEach(async () => {
  folder = temporaryFolder();
  expect((await run(["keys", "--out", at("signing")])).status).toBe(0);
  const { variants, ...rest } = draft();
  const files = variants.map(({ model, ...variant }) => {
    writeFileSync(at(`${variant.name}.onnx`), model);
    return { ...variant, model: `${variant.name}.onnx` };
  });
  writeFileSync(at("report.txt"), "a report\n");
  writeFileSync(
    at("draft.json"),
    JSON.stringify({ ...rest, variants: files, files: { "report.txt": "report.txt" } }),
  );
});

const pack = (...more: string[]): ReturnType<typeof run> =>
  run([
    "pack",
    at("draft.json"),
    "--key",
    at("signing-private.pem"),
    "--out",
    at("b.tar"),
    ...more,
  ]);

it("keys, pack and verify work together", async () => {
  expect(statSync(at("signing-private.pem")).mode & 0o777).toBe(0o600);
  const packed = await pack("--json");
  expect(packed.status).toBe(0);
  const verified = await run(["verify", at("b.tar"), "--key", at("signing-public.pem"), "--json"]);
  expect(verified.status).toBe(0);
  const { manifest, keyId } = JSON.parse(verified.stdout) as { manifest: unknown; keyId: string };
  expect(JSON.parse(packed.stdout)).toMatchObject({ manifest, keyId, kind: "archive" });
  const { stdout } = await run(["verify", at("b.tar"), "--key", at("signing-public.pem")]);
  expect(stdout).toContain("map50 0.870");
  expect(stdout).toContain("not measured");
});

it("refuses what must be refused, with exit status 5", async () => {
  await pack();
  await run(["keys", "--out", at("other")]);
  const untrusted = await run(["verify", at("b.tar"), "--key", at("other-public.pem")]);
  expect(untrusted).toMatchObject({
    status: 5,
    stderr: expect.stringContaining("BUNDLE_UNTRUSTED") as string,
  });
  const noKey = await run(["verify", at("b.tar"), "--key", at("report.txt")]);
  expect(noKey).toMatchObject({
    status: 5,
    stderr: expect.stringContaining("report.txt holds no public key") as string,
  });
  const again = await run(["keys", "--out", at("signing")]);
  expect(again).toMatchObject({
    status: 5,
    stderr: expect.stringContaining("never overwritten") as string,
  });
});

it("does not replace a bundle unless asked", async () => {
  await pack();
  expect((await pack()).stderr).toContain("BUNDLE_EXISTS");
  expect((await pack("--overwrite")).status).toBe(0);
});

it.each([
  ["not JSON", "{", "CONFIG_INVALID"],
  ["no variants", "{}", "variants"],
  ["a variant without a model", JSON.stringify({ variants: [{ name: "x" }] }), "variants.0.model"],
])("a draft with %s is refused and nothing is written", async (_, text, words) => {
  writeFileSync(at("draft.json"), text);
  const { status, stderr } = await pack();
  expect(status).toBe(2);
  expect(stderr).toContain(words);
  expect(existsSync(at("b.tar"))).toBe(false);
});

it("a model that is missing, and a draft that is missing, are named", async () => {
  const before = readdirSync(folder).length;
  const { status, stderr } = await run([
    "pack",
    at("none.json"),
    "--key",
    at("signing-private.pem"),
    "--out",
    at("b"),
  ]);
  expect(status).toBe(3);
  expect(stderr).toContain("none.json");
  expect(readdirSync(folder)).toHaveLength(before);
});

it("warns of a private key that others can read", async () => {
  chmodSync(at("signing-private.pem"), 0o644);
  expect((await pack()).stderr).toContain("chmod 600");
});

it("names the file of a tampered folder", async () => {
  await run(["pack", at("draft.json"), "--key", at("signing-private.pem"), "--out", at("b")]);
  appendFileSync(at("b/variants/fp32.onnx"), "x");
  const { status, stderr } = await run(["verify", at("b"), "--key", at("signing-public.pem")]);
  expect(status).toBe(5);
  expect(stderr).toContain("BUNDLE_TAMPERED: variants/fp32.onnx");
});
