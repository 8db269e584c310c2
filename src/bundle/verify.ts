import { createHash } from "node:crypto";
import { EdgeDistillError, throwIfAborted } from "../base/index.js";
import { MANIFEST_FILE, readContent, scanContents, SIGNATURE_FILE, tampered } from "./contents.js";
import type { KeyInput } from "./keys.js";
import { parseManifest, type BundleManifest, type BundleVariant } from "./manifest.js";
import { verifyManifest } from "./signature.js";

export interface VerifyOptions {
  /** Public keys from the device's own configuration; never from the bundle. */
  trustedKeys: readonly KeyInput[];
  signal?: AbortSignal;
}

export interface VerifiedBundle {
  path: string;
  kind: "folder" | "archive";
  manifest: BundleManifest;
  /** The trusted key that signed it. */
  keyId: string;
}

/** A verified bundle to load models from. */
export interface OpenBundle extends VerifiedBundle {
  /**
   * The model file of a variant; its hash is checked again on the very bytes returned.
   * @throws BUNDLE_INVALID when there is no such variant, BUNDLE_TAMPERED
   */
  readVariant(name: string): Promise<Uint8Array>;
}

/**
 * Checks a bundle (folder or tar archive): signature by a trusted key, every file's hash, nothing missing, nothing extra.
 * @throws IO_NOT_FOUND, BUNDLE_KEY (no usable trusted key)
 * @throws BUNDLE_UNSIGNED, BUNDLE_UNTRUSTED (signed by another key), BUNDLE_TAMPERED (names the file), BUNDLE_INVALID
 */
export async function verifyBundle(
  path: string,
  { trustedKeys, signal }: VerifyOptions,
): Promise<VerifiedBundle> {
  throwIfAborted(signal, `verifying ${path}`);
  const contents = await scanContents(path);
  throwIfAborted(signal, `verifying ${path}`);
  if (contents.manifest === undefined)
    throw new EdgeDistillError("BUNDLE_INVALID", `${path} holds no ${MANIFEST_FILE}`, {
      hint: "Give a bundle made with: edge-distill pack",
      details: { bundle: path, file: MANIFEST_FILE },
    });
  if (contents.signature === undefined)
    throw new EdgeDistillError("BUNDLE_UNSIGNED", `${path} holds no ${SIGNATURE_FILE}`, {
      hint: "Pack it again with: edge-distill pack --key signing-private.pem",
      details: { bundle: path, file: SIGNATURE_FILE },
    });
  // The signature first: not a field of the manifest is believed before.
  const keyId = verifyManifest(contents.manifest, contents.signature, {
    trustedKeys,
    bundle: path,
  });
  const manifest = parseManifest(contents.manifest, `${path}: ${MANIFEST_FILE}`);
  const listed = [...manifest.variants, ...manifest.files];
  for (const { file, sha256, bytes } of listed) {
    const found = contents.files.get(file);
    if (found === undefined) throw tampered(path, file, "is missing");
    if (found.sha256 !== sha256 || found.bytes !== bytes)
      throw tampered(path, file, "does not match its hash");
  }
  const names = new Set(listed.map(({ file }) => file));
  for (const file of contents.files.keys())
    if (!names.has(file)) throw tampered(path, file, "is not listed in the manifest");
  return { path, kind: contents.kind, manifest, keyId };
}

/** Verifies a bundle and opens it. @throws as {@link verifyBundle} */
export async function openBundle(path: string, options: VerifyOptions): Promise<OpenBundle> {
  const verified = await verifyBundle(path, options);
  return {
    ...verified,
    async readVariant(name) {
      const variant = findVariant(verified, name);
      const bytes = await readContent(path, verified.kind, variant.file);
      if (createHash("sha256").update(bytes).digest("hex") !== variant.sha256)
        throw tampered(path, variant.file, "changed since the bundle was verified");
      return bytes;
    },
  };
}

function findVariant({ manifest, path }: VerifiedBundle, name: string): BundleVariant {
  const variant = manifest.variants.find((v) => v.name === name);
  if (variant !== undefined) return variant;
  const names = manifest.variants.map((v) => v.name).join(", ");
  throw new EdgeDistillError(
    "BUNDLE_INVALID",
    `${path} has no variant "${name}"; it has ${names}`,
    {
      hint: "Ask for one of these.",
      details: { bundle: path, name },
    },
  );
}
