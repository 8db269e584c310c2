import { createPublicKey } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/index.js";
import { readPrivateKey, writeSigningKeys } from "../bundle/index.js";

/** Files of the pair that signs a job's bundle. */
export interface JobKeys {
  private: string;
  public: string;
}

/**
 * The pair in the job's folder, made where there is none; a lost public key is derived from the private one.
 * @throws BUNDLE_KEY, IO_DISK_FULL, IO_FAILED
 */
export async function jobKeys(folder: string): Promise<JobKeys> {
  const keys = {
    private: join(folder, "signing-private.pem"),
    public: join(folder, "signing-public.pem"),
  };
  if (!existsSync(keys.private)) await writeSigningKeys(keys.private, keys.public);
  const own = createPublicKey(await readPrivateKey(keys.private));
  if (!existsSync(keys.public))
    await writeFileAtomic(keys.public, own.export({ type: "spki", format: "pem" }).toString());
  return keys;
}
