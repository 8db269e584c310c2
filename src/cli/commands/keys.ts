import { writeSigningKeys } from "../../bundle/index.js";
import { defineCommand } from "../command.js";

export default defineCommand({
  name: "keys",
  description:
    "Makes an Ed25519 key pair: the private key signs bundles, the public one goes into each device's configuration.",
  example: ["edge-distill keys --out signing"],
  options: {
    out: {
      type: "string",
      value: "NAME",
      description: "Beginning of the two file names, NAME-private.pem and NAME-public.pem",
      default: "signing",
    },
  },
  async run({ out }, { result }) {
    const privateKey = `${out}-private.pem`;
    const publicKey = `${out}-public.pem`;
    const { keyId } = await writeSigningKeys(privateKey, publicKey);
    result(
      [
        `key ${keyId}`,
        `  ${privateKey}  keep it secret; it signs bundles`,
        `  ${publicKey}   give it to the devices`,
      ].join("\n"),
      { keyId, privateKey, publicKey },
    );
  },
});
