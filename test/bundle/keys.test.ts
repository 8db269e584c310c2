import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  keyId,
  packBundle,
  readPrivateKey,
  readPublicKey,
  writeSigningKeys,
} from "../../src/bundle/index.js";
import { draft, temporaryFolder } from "./draft.js";

it("writes a pair: the private key for its owner alone", async () => {
  const folder = temporaryFolder();
  const [priv, pub] = [join(folder, "private.pem"), join(folder, "public.pem")];
  const pair = await writeSigningKeys(priv, pub);
  expect(statSync(priv).mode & 0o777).toBe(0o600);
  expect(pair.keyId).toMatch(/^[0-9a-f]{16}$/);
  expect(keyId(await readPrivateKey(priv))).toBe(pair.keyId);
  expect(keyId(await readPublicKey(pub))).toBe(pair.keyId);
});

it("never overwrites a key, and leaves no half pair", async () => {
  const folder = temporaryFolder();
  const [priv, pub] = [join(folder, "private.pem"), join(folder, "public.pem")];
  writeFileSync(pub, "mine");
  await expect(writeSigningKeys(priv, pub)).rejects.toMatchObject({ code: "BUNDLE_KEY" });
  expect(readdirSync(folder)).toEqual(["public.pem"]);
  expect(readFileSync(pub, "utf8")).toBe("mine");
});

it("refuses keys of another kind, and text that is no key", async () => {
  const folder = temporaryFolder();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  const { publicPem } = await writeSigningKeys(join(folder, "a"), join(folder, "b"));
  for (const privateKey of [rsa.toString(), publicPem, "no key"])
    await expect(packBundle(join(folder, "bundle"), draft(), { privateKey })).rejects.toMatchObject(
      {
        code: "BUNDLE_KEY",
      },
    );
});
