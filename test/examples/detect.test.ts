import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { packBundle, writeSigningKeys, type BundleDraft } from "../../src/bundle/index.js";
import { inputSpec } from "../../src/image/index.js";
import { temporaryFolder } from "../bundle/draft.js";
import { DATA_FOLDER, hasData } from "../support/requirements.js";

const MODEL = `${DATA_FOLDER}/models/yolox_nano/yolox_nano_416x416.onnx`;
const IMAGE = `${DATA_FOLDER}/coco/images/val2017/000000000139.jpg`;
const COCO_CONFIG = `${DATA_FOLDER}/coco/config.yaml`;

function cocoClasses(): string[] {
  return [...readFileSync(COCO_CONFIG, "utf8").matchAll(/^\s+\d+:\s*(.+)$/gm)].map(
    ([, name = ""]) => name.trim(),
  );
}

function draft(): BundleDraft {
  return {
    name: "yolox-nano",
    version: "1",
    task: "detect",
    classes: cocoClasses(),
    input: inputSpec({ widthPx: 416, heightPx: 416, channels: "bgr", scale: [1, 1, 1] }),
    decoder: { id: "yolox", scoreThreshold: 0.3, iouThreshold: 0.6 },
    variants: [{ name: "fp32", precision: "fp32", target: "any", audited: false, model: MODEL }],
    licences: { model: "Apache-2.0" },
  };
}

describe.skipIf(!hasData("models") || !hasData("coco"))("examples/detect.ts", () => {
  it("finds the objects of a photograph with a real model out of a signed bundle", async () => {
    const folder = temporaryFolder();
    const publicKey = join(folder, "public.pem");
    const { privatePem } = await writeSigningKeys(join(folder, "private.pem"), publicKey);
    const bundle = join(folder, "b.tar");
    await packBundle(bundle, draft(), { privateKey: privatePem });
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...["--import", "tsx", "examples/detect.ts"],
      ...[bundle, publicKey, "fp32", IMAGE],
    ]);
    // The photograph shows a living room: a television, chairs, people.
    expect(stdout).toMatch(/^tv \d/m);
    expect(stdout).toMatch(/^person \d/m);
  });
});
