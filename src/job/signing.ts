import { createPublicKey } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EdgeDistillError, writeFileAtomic } from "../base/index.js";
import { keyId, readPrivateKey, readPublicKey, writeSigningKeys } from "../bundle/index.js";

/** Files of the pair that signs a job's bundle. */
export interface JobKeys {
  private: string;
  public: string;
}

/**
 * The pair in the job's folder, made where there is none; a lost public key is derived from the private one.
 * @throws BUNDLE_KEY when the two do not belong together, IO_DISK_FULL, IO_FAILED
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
  if (keyId(await readPublicKey(keys.public)) !== keyId(own))
    throw new EdgeDistillError(
      "BUNDLE_KEY",
      `${keys.public} is not the public key of ${keys.private}`,
      {
        hint: "Remove the public key: it is made again from the private one.",
        details: { ...keys },
      },
    );
  return keys;
}
