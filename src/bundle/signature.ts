import { sign, verify, type KeyObject } from "node:crypto";
import { z } from "zod";
import { EdgeDistillError } from "../base/index.js";
import { keyId, toPublicKey, type KeyInput } from "./keys.js";

const signatureSchema = z.strictObject({
  schemaVersion: z.literal(1),
  algorithm: z.literal("ed25519"),
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Base64 of the 64 signature bytes over the manifest's bytes. */
  signature: z.base64().length(88),
});

/** Content of `manifest.sig` for a manifest's bytes. */
export function signManifest(manifest: Uint8Array, privateKey: KeyObject): Uint8Array {
  const content: z.infer<typeof signatureSchema> = {
    schemaVersion: 1,
    algorithm: "ed25519",
    keyId: keyId(privateKey),
    signature: sign(null, manifest, privateKey).toString("base64"),
  };
  return new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Checks a manifest's bytes against its signature. The key the signature names only picks among the trusted ones.
 * @returns id of the trusted key that signed
 * @throws BUNDLE_INVALID, BUNDLE_UNTRUSTED, BUNDLE_TAMPERED, BUNDLE_KEY
 */
export function verifyManifest(
  manifest: Uint8Array,
  signature: Uint8Array,
  { trustedKeys, bundle }: { trustedKeys: readonly KeyInput[]; bundle: string },
): string {
  const trusted = new Map(
    trustedKeys.map((key, index) => {
      const publicKey = toPublicKey(key, `trusted key ${String(index + 1)}`);
      return [keyId(publicKey), publicKey] as const;
    }),
  );
  if (trusted.size === 0)
    throw new EdgeDistillError(
      "BUNDLE_KEY",
      `No trusted public key was given to verify ${bundle}`,
      {
        hint: "Name the public key in the device's configuration, or give --key signing-public.pem.",
        details: { bundle },
      },
    );
  const parsed = signatureSchema.safeParse(parseJson(signature));
  if (!parsed.success)
    throw new EdgeDistillError(
      "BUNDLE_INVALID",
      `manifest.sig of ${bundle} is not a signature of this format`,
      {
        hint: "Pack and sign the bundle again.",
        details: { bundle, file: "manifest.sig" },
        cause: parsed.error,
      },
    );
  const key = trusted.get(parsed.data.keyId);
  if (key === undefined)
    throw new EdgeDistillError(
      "BUNDLE_UNTRUSTED",
      `${bundle} is signed with key ${parsed.data.keyId}, which this device does not trust (it trusts ${[...trusted.keys()].join(", ")})`,
      {
        hint: "Take the bundle from its owner again; add the key to the device's configuration only if you know it.",
        details: { bundle, keyId: parsed.data.keyId, trusted: [...trusted.keys()] },
      },
    );
  if (!verify(null, manifest, key, Buffer.from(parsed.data.signature, "base64")))
    throw new EdgeDistillError(
      "BUNDLE_TAMPERED",
      `manifest.json of ${bundle} does not match its signature`,
      {
        hint: "Take the bundle from its owner again.",
        details: { bundle, file: "manifest.json" },
      },
    );
  return parsed.data.keyId;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
