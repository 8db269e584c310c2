import { stat } from "node:fs/promises";
import { packBundle, readBundleDraft, readPrivateKey } from "../../bundle/index.js";
import { defineCommand } from "../command.js";
import { formatBytes } from "../table.js";

export default defineCommand({
  name: "pack",
  description:
    "Packs models and what was measured of them into a bundle and signs it. Nothing is left half-written.",
  example: [
    "edge-distill demo",
    "edge-distill pack demo-out/bundle.json --key demo-out/signing-private.pem --out board-1.tar",
  ],
  positionals: {
    draft: {
      description:
        "JSON file: a manifest whose variants name their model file (paths relative to this file)",
      required: true,
    },
  },
  options: {
    key: {
      type: "string",
      value: "FILE",
      description: "The private key that signs",
      required: true,
    },
    out: {
      type: "string",
      value: "PATH",
      description: "The bundle: one archive when it ends in .tar, else a folder",
      required: true,
    },
    overwrite: { type: "boolean", description: "Replace a bundle that is already there" },
  },
  async run({ draft: draftPath, key, out, overwrite }, { result, signal, onProgress, logger }) {
    const privateKey = await readPrivateKey(key);
    if (process.platform !== "win32" && ((await stat(key)).mode & 0o077) !== 0)
      logger.warn(`${key} can be read by others on this machine; run: chmod 600 ${key}`);
    const { draft, files } = await readBundleDraft(draftPath);
    const { path, kind, manifest, keyId } = await packBundle(out, draft, {
      privateKey,
      files,
      overwrite,
      signal,
      onProgress,
    });
    const bytes = [...manifest.variants, ...manifest.files].reduce(
      (sum, file) => sum + file.bytes,
      0,
    );
    result(
      `${path}: ${manifest.name} ${manifest.version}, ${String(manifest.variants.length)} variants, ${formatBytes(bytes)}, signed by key ${keyId}`,
      { path, kind, keyId, manifest },
    );
  },
});
