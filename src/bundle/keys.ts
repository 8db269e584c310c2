import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  KeyObject,
} from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { EdgeDistillError, ioError, isSystemError, readFileBytes } from "../base/index.js";

/** A key object, PEM text, or PEM bytes as read from a file. */
export type KeyInput = KeyObject | string | Uint8Array;

export interface SigningKeyPair {
  /** PKCS #8, PEM. */
  privatePem: string;
  /** SubjectPublicKeyInfo, PEM. */
  publicPem: string;
  keyId: string;
}

/** A new Ed25519 key pair. */
export function generateSigningKeys(): SigningKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    keyId: keyId(publicKey),
  };
}

/** Name of a public key: the first 16 hexadecimal digits of the SHA-256 of its DER form. */
export function keyId(key: KeyInput): string {
  const der = toPublicKey(key).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex").slice(0, 16);
}

/**
 * Writes a new pair to two files, the private one readable by its owner only.
 * @throws BUNDLE_KEY when one of the files is already there: keys are never overwritten
 * @throws IO_DISK_FULL, IO_FAILED
 */
export async function writeSigningKeys(
  privatePath: string,
  publicPath: string,
): Promise<SigningKeyPair> {
  const pair = generateSigningKeys();
  await writeNew(privatePath, pair.privatePem, 0o600);
  try {
    await writeNew(publicPath, pair.publicPem, 0o644);
  } catch (error) {
    await rm(privatePath, { force: true });
    throw error;
  }
  return pair;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  let created = false;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "wx", mode);
    created = true;
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (created) await rm(path, { force: true });
    if (isSystemError(error, "EEXIST"))
      throw new EdgeDistillError(
        "BUNDLE_KEY",
        `${path} is already there; a key is never overwritten`,
        {
          hint: "Choose another name, or move the old key away yourself.",
          details: { path },
          cause: error,
        },
      );
    throw ioError(error, path, "writing");
  }
}

/** @throws BUNDLE_KEY when it is not an Ed25519 private key */
export function toPrivateKey(key: KeyInput, where = "the private key"): KeyObject {
  return toKey(key, "private", where);
}

/** Also takes the public half of a private key. @throws BUNDLE_KEY when it is not an Ed25519 key */
export function toPublicKey(key: KeyInput, where = "the public key"): KeyObject {
  return toKey(key, "public", where);
}

/** @throws IO_NOT_FOUND, BUNDLE_KEY */
export async function readPrivateKey(path: string): Promise<KeyObject> {
  return toPrivateKey(await readFileBytes(path), path);
}

/** @throws IO_NOT_FOUND, BUNDLE_KEY */
export async function readPublicKey(path: string): Promise<KeyObject> {
  return toPublicKey(await readFileBytes(path), path);
}

function toKey(key: KeyInput, wanted: "private" | "public", where: string): KeyObject {
  let object: KeyObject;
  try {
    if (key instanceof KeyObject) object = key.type === wanted ? key : createPublicKey(key);
    else {
      const pem = typeof key === "string" ? key : Buffer.from(key);
      object = wanted === "private" ? createPrivateKey(pem) : createPublicKey(pem);
    }
  } catch (cause) {
    throw new EdgeDistillError("BUNDLE_KEY", `${where} holds no ${wanted} key in PEM form`, {
      hint: "Make a pair with: edge-distill keys --out signing",
      details: { path: where },
      cause,
    });
  }
  if (object.type !== wanted || object.asymmetricKeyType !== "ed25519")
    throw new EdgeDistillError(
      "BUNDLE_KEY",
      `${where} holds ${object.asymmetricKeyType ?? "an unknown"} ${object.type} key; an Ed25519 ${wanted} key is needed`,
      { hint: "Make a pair with: edge-distill keys --out signing", details: { path: where } },
    );
  return object;
}
