import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { list, type ReadEntry } from "tar";
import { EdgeDistillError, errorMessage, ioError, isSystemError } from "../base/index.js";

export const MANIFEST_FILE = "manifest.json";
export const SIGNATURE_FILE = "manifest.sig";

/** Larger than any honest manifest: what is read into memory before anything is trusted stays below. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024;

/** What lies in a bundle, before any of it is believed. */
export interface BundleContents {
  kind: "folder" | "archive";
  /** Every file but manifest and signature. */
  files: ReadonlyMap<string, { sha256: string; bytes: number }>;
  manifest: Uint8Array | undefined;
  signature: Uint8Array | undefined;
}

/** Gets the bytes of one file as they pass, a chunk at a time. */
type Visitor = (name: string) => { chunk(bytes: Uint8Array): void; end(): void };

/**
 * Hashes every file of a bundle in one pass, following no link.
 * @throws IO_NOT_FOUND, IO_FAILED
 * @throws BUNDLE_INVALID when the archive is none, or ends early
 * @throws BUNDLE_TAMPERED on a link, a device, a path that leads outside, or a file that is there twice
 */
export async function scanContents(path: string): Promise<BundleContents> {
  const kind = await bundleKind(path);
  const files = new Map<string, { sha256: string; bytes: number }>();
  const heads = new Map<string, Uint8Array>();
  await walk(path, kind, (name) => {
    const hash = createHash("sha256");
    const head: Uint8Array[] | undefined =
      name === MANIFEST_FILE || name === SIGNATURE_FILE ? [] : undefined;
    let bytes = 0;
    return {
      chunk(data) {
        bytes += data.byteLength;
        hash.update(data);
        if (head !== undefined && bytes > MAX_HEAD_BYTES)
          throw tampered(path, name, "is larger than any manifest");
        head?.push(Uint8Array.from(data));
      },
      end() {
        if (head === undefined) files.set(name, { sha256: hash.digest("hex"), bytes });
        else heads.set(name, Buffer.concat(head));
      },
    };
  });
  return { kind, files, manifest: heads.get(MANIFEST_FILE), signature: heads.get(SIGNATURE_FILE) };
}

/**
 * Reads one file of a bundle.
 * @throws BUNDLE_TAMPERED when it is gone
 */
export async function readContent(
  path: string,
  kind: BundleContents["kind"],
  file: string,
): Promise<Uint8Array> {
  let result: Uint8Array | undefined;
  await walk(
    path,
    kind,
    (name) => {
      const chunks: Uint8Array[] = [];
      const wanted = name === file;
      return {
        chunk: (data) => void (wanted && chunks.push(Uint8Array.from(data))),
        end: () => void (wanted && (result = Buffer.concat(chunks))),
      };
    },
    file,
  );
  if (result === undefined) throw tampered(path, file, "is missing");
  return result;
}

export function tampered(bundle: string, file: string, fact: string): EdgeDistillError {
  return new EdgeDistillError("BUNDLE_TAMPERED", `${file} of ${bundle} ${fact}`, {
    hint: "Take the bundle from its owner again.",
    details: { bundle, file },
  });
}

async function bundleKind(path: string): Promise<BundleContents["kind"]> {
  try {
    if ((await lstat(path)).isDirectory()) return "folder";
    const handle = await open(path, "r");
    try {
      // A plain tar only: a compressed one could unpack to any size.
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
      if (bytesRead === 512 && buffer.toString("latin1", 257, 262) === "ustar") return "archive";
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw ioError(error, path, "reading");
  }
  throw new EdgeDistillError("BUNDLE_INVALID", `${path} is neither a folder nor a tar archive`, {
    hint: "Give a bundle made with: edge-distill pack",
    details: { bundle: path },
  });
}

function walk(
  path: string,
  kind: BundleContents["kind"],
  visit: Visitor,
  only?: string,
): Promise<void> {
  return kind === "folder" ? walkFolder(path, visit, only) : walkArchive(path, visit);
}

async function walkFolder(path: string, visit: Visitor, only?: string): Promise<void> {
  const names = only === undefined ? await listFolder(path) : [only];
  for (const name of names) {
    const visitor = visit(name);
    try {
      const handle = await open(join(path, name), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
      for await (const data of handle.createReadStream()) visitor.chunk(data as Buffer);
    } catch (error) {
      if (isSystemError(error, "ELOOP")) throw tampered(path, name, "is a link");
      if (only !== undefined && isSystemError(error, "ENOENT"))
        throw tampered(path, name, "is missing");
      throw ioError(error, join(path, name), "reading");
    }
    visitor.end();
  }
}

async function listFolder(path: string, below = ""): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(path, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) names.push(...(await listFolder(path, name)));
    else if (entry.isFile()) names.push(name);
    else throw tampered(path, name, entry.isSymbolicLink() ? "is a link" : "is not a plain file");
  }
  return names.sort();
}

async function walkArchive(path: string, visit: Visitor): Promise<void> {
  const seen = new Set<string>();
  let failure: EdgeDistillError | undefined;
  // The reader of archives knows no failing listener: the first failure is kept, the rest of the archive passes by.
  const guard = (act: () => void): void => {
    if (failure !== undefined) return;
    try {
      act();
    } catch (error) {
      failure = ioError(error, path, "reading");
    }
  };
  const onReadEntry = (entry: ReadEntry): void => {
    guard(() => {
      const name = entry.path;
      if (entry.type === "Directory") return;
      if (entry.type !== "File" && entry.type !== "OldFile")
        throw tampered(path, name, `is not a plain file but a ${entry.type}`);
      if (!/^[^/\\]+(\/[^/\\]+)*$/.test(name) || name.split("/").includes(".."))
        throw tampered(path, name, "has a path that leads outside");
      if (seen.has(name)) throw tampered(path, name, "is there twice");
      seen.add(name);
      const visitor = visit(name);
      entry.on("data", (data: Buffer) => guard(() => visitor.chunk(data)));
      entry.on("end", () => guard(() => visitor.end()));
    });
  };
  try {
    await list({ file: path, strict: true, brotli: false, preservePaths: true, onReadEntry });
  } catch (error) {
    failure ??= isSystemError(error, "EACCES", "EIO", "ENOENT", "EISDIR")
      ? ioError(error, path, "reading")
      : new EdgeDistillError(
          "BUNDLE_INVALID",
          `The archive ${path} is damaged: ${errorMessage(error)}`,
          {
            hint: "Copy it again.",
            details: { bundle: path },
            cause: error,
          },
        );
  }
  if (failure !== undefined) throw failure;
}
