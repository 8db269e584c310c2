import { readPublicKey, verifyBundle, type BundleVariant } from "../../bundle/index.js";
import { defineCommand } from "../command.js";
import { formatBytes, table } from "../table.js";

export default defineCommand({
  name: "verify",
  description:
    "Verifies a bundle: signed by a trusted key, every file as it was signed, nothing missing, nothing added.",
  example: [
    "edge-distill demo",
    "edge-distill verify demo-out/bundle.tar --key demo-out/signing-public.pem",
  ],
  positionals: { bundle: { description: "The bundle, a folder or a .tar file", required: true } },
  options: {
    key: {
      type: "string",
      value: "FILE",
      description: "A trusted public key",
      required: true,
      multiple: true,
    },
  },
  async run({ bundle, key }, { result, signal }) {
    const trustedKeys = await Promise.all(key.map((path) => readPublicKey(path)));
    const { manifest, keyId, kind } = await verifyBundle(bundle, { trustedKeys, signal });
    result(
      [
        `${manifest.name} ${manifest.version}: sound, signed by key ${keyId} (${kind}, made ${manifest.createdAt})`,
        `classes: ${manifest.classes.join(", ")}`,
        "",
        table(
          ["variant", "precision", "target", "size", "accuracy", "latency", "integer convs"],
          manifest.variants.map(row),
        ),
      ].join("\n"),
      { bundle, kind, keyId, manifest },
    );
  },
});

function row({
  name,
  precision,
  target,
  bytes,
  accuracy,
  latency,
  integerConvs,
  audited,
}: BundleVariant): string[] {
  return [
    name,
    precision,
    target,
    formatBytes(bytes),
    accuracy === undefined ? "not measured" : `${accuracy.metric} ${accuracy.value.toFixed(3)}`,
    latency === undefined ? "not measured" : `${latency.ms.toFixed(2)} ms`,
    integerConvs === undefined
      ? "not counted"
      : `${integerConvs.join("/")}${audited ? "" : " (not audited)"}`,
  ];
}
