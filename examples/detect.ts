// Verify a bundle, run one of its variants on an image, print the boxes.
// Usage: detect BUNDLE PUBLIC_KEY VARIANT IMAGE
import {
  decodeDetections,
  openBundle,
  openEngine,
  prepareInput,
  readPublicKey,
} from "edge-distill";

const [bundlePath = "", keyPath = "", variant = "fp32", image = ""] = process.argv.slice(2);

// The key comes from the device's own configuration. A bundle signed by any other key is refused.
const bundle = await openBundle(bundlePath, { trustedKeys: [await readPublicKey(keyPath)] });
const { input, decoder, classes } = bundle.manifest;

await using engine = await openEngine();
await using session = await engine.createSession(await bundle.readVariant(variant));

const { tensor, transform } = await prepareInput(image, input);
const outputs = await session.run({ [session.inputs[0]?.name ?? ""]: tensor });
const found = decodeDetections(
  outputs,
  { ...input, ...decoder, decoder: decoder.id, classCount: classes.length },
  transform,
);

for (let i = 0; i < found.count; i++)
  console.log(
    classes[found.classIds[i] ?? 0],
    found.scores[i]?.toFixed(2),
    [...found.boxes.subarray(4 * i, 4 * i + 4)].map(Math.round).join(" "),
  );
