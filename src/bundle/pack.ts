import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { create } from "tar";
import {
  EdgeDistillError,
  ioError,
  isSystemError,
  readFileBytes,
  throwIfAborted,
  type OnProgress,
} from "../base/index.js";
import { MANIFEST_FILE, SIGNATURE_FILE } from "./contents.js";
import { keyId, toPrivateKey, type KeyInput } from "./keys.js";
import {
  BUNDLE_SCHEMA_VERSION,
  checkManifest,
  manifestBytes,
  type BundleManifest,
  type BundleVariant,
} from "./manifest.js";
import { signManifest } from "./signature.js";

/** A variant to pack: its model as a path or bytes; hash and size are found out. */
export type VariantDraft = Omit<BundleVariant, "file" | "sha256" | "bytes"> & {
  model: string | Uint8Array;
};

/** A manifest to be; `createdAt` is the current time when left out. */
export type BundleDraft = Omit<
  BundleManifest,
  "schemaVersion" | "createdAt" | "variants" | "files"
> & {
  createdAt?: string;
  variants: readonly VariantDraft[];
};

export interface PackOptions {
  /** Ed25519 private key that signs. */
  privateKey: KeyInput;
  /** What else travels along, by file name: a path or bytes. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Replace what lies at the destination. Default: refuse. */
  overwrite?: boolean;
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

export interface PackedBundle {
  path: string;
  kind: "folder" | "archive";
  manifest: BundleManifest;
  keyId: string;
}

/**
 * Writes and signs a bundle: one tar archive when `destination` ends in `.tar`, else a folder.
 * The same draft, key and `createdAt` give the same bytes. Written beside the destination under a temporary name and
 * renamed when whole, so a failure leaves nothing under the final name, and what lay there stays.
 * @throws BUNDLE_EXISTS, BUNDLE_INVALID (dotted path), BUNDLE_KEY, IO_NOT_FOUND, IO_DISK_FULL, IO_FAILED, INTERRUPTED
 */
export async function packBundle(
  destination: string,
  draft: BundleDraft,
  { privateKey, files = {}, overwrite = false, signal, onProgress }: PackOptions,
): Promise<PackedBundle> {
  const path = resolve(destination);
  const key = toPrivateKey(privateKey);
  const createdAt = draft.createdAt ?? new Date().toISOString();
  const complete = (
    variants: BundleManifest["variants"],
    extra: BundleManifest["files"],
  ): BundleManifest =>
    checkManifest(
      { ...draft, schemaVersion: BUNDLE_SCHEMA_VERSION, createdAt, variants, files: extra },
      `manifest of ${destination}`,
    );
  const names = Object.keys(files).sort();
  // Once with empty files: a wrong field, or a name that would lead elsewhere, shows before the first byte is written.
  const nothing = (file: string): BundleManifest["files"][number] => ({
    file,
    sha256: "0".repeat(64),
    bytes: 0,
  });
  complete(
    draft.variants.map(({ model: _, ...variant }) => ({
      ...variant,
      ...nothing(variantFile(variant.name)),
    })),
    names.map((name) => nothing(`files/${name}`)),
  );
  if (!overwrite && (await exists(path))) throw existsError(destination);
  const staging = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(join(staging, "variants"), { recursive: true });
    const total = draft.variants.length + names.length + 1;
    let done = 0;
    const add = async (
      file: string,
      source: string | Uint8Array,
    ): Promise<BundleManifest["files"][number]> => {
      throwIfAborted(signal, `packing ${destination}`);
      onProgress?.({ stage: "pack", fraction: done++ / total, message: file });
      const data = typeof source === "string" ? await readFileBytes(source) : source;
      await writeSynced(join(staging, file), data);
      return {
        file,
        sha256: createHash("sha256").update(data).digest("hex"),
        bytes: data.byteLength,
      };
    };
    const variants: BundleVariant[] = [];
    for (const { model, ...variant } of draft.variants)
      variants.push({ ...variant, ...(await add(variantFile(variant.name), model)) });
    const extra: BundleManifest["files"] = [];
    if (names.length > 0) await mkdir(join(staging, "files"));
    for (const name of names)
      extra.push(await add(`files/${name}`, files[name] ?? new Uint8Array()));
    const manifest = complete(variants, extra);
    const bytes = manifestBytes(manifest);
    await writeSynced(join(staging, MANIFEST_FILE), bytes);
    await writeSynced(join(staging, SIGNATURE_FILE), signManifest(bytes, key));
    throwIfAborted(signal, `packing ${destination}`);
    const kind = path.endsWith(".tar") ? "archive" : "folder";
    const whole = kind === "archive" ? await writeArchive(staging, manifest) : staging;
    await moveInto(whole, path, { overwrite });
    onProgress?.({ stage: "pack", fraction: 1, message: basename(path) });
    return { path, kind, manifest, keyId: keyId(key) };
  } catch (error) {
    throw ioError(error, destination, "writing");
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    await rm(`${staging}.tar`, { force: true }).catch(() => undefined);
  }
}

/** Owner, times and order of the entries say nothing about the machine that packed. */
async function writeArchive(staging: string, manifest: BundleManifest): Promise<string> {
  const names = [...manifest.variants, ...manifest.files].map(({ file }) => file).sort();
  const file = `${staging}.tar`;
  await create(
    { cwd: staging, file, portable: true, noDirRecurse: true, mtime: new Date(manifest.createdAt) },
    [MANIFEST_FILE, SIGNATURE_FILE, ...names],
  );
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return file;
}

async function moveInto(
  whole: string,
  path: string,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  if (!(await exists(path))) return rename(whole, path);
  if (!overwrite) throw existsError(path);
  const old = `${whole}.old`;
  await rename(path, old);
  try {
    await rename(whole, path);
  } catch (error) {
    await rename(old, path);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const handle = await open(path, "wx", 0o644);
  try {
    await handle.writeFile(data);
    // Whatever the umask, so that the archive's headers are the same everywhere.
    await handle.chmod(0o644);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return false;
    throw ioError(error, path, "reading");
  }
}

function variantFile(name: string): string {
  return `variants/${name}.onnx`;
}

function existsError(destination: string): EdgeDistillError {
  return new EdgeDistillError("BUNDLE_EXISTS", `${destination} is already there`, {
    hint: "Choose another name, or replace it with --overwrite.",
    details: { path: destination },
  });
}
