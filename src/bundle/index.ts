export {
  BUNDLE_SCHEMA_VERSION,
  manifestSchema,
  parseManifest,
  type BundleAccuracy,
  type BundleManifest,
  type BundleVariant,
} from "./manifest.js";
export {
  generateSigningKeys,
  keyId,
  readPrivateKey,
  readPublicKey,
  writeSigningKeys,
  type KeyInput,
  type SigningKeyPair,
} from "./keys.js";
export {
  packBundle,
  type BundleDraft,
  type PackedBundle,
  type PackOptions,
  type VariantDraft,
} from "./pack.js";
export {
  openBundle,
  verifyBundle,
  type OpenBundle,
  type VerifiedBundle,
  type VerifyOptions,
} from "./verify.js";
export { readBundleDraft } from "./draft-file.js";
