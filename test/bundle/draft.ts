import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { BundleDraft } from "../../src/bundle/index.js";
import { inputSpec } from "../../src/image/index.js";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "edge-distill-bundle-"));
  made.push(folder);
  return folder;
}

export function ed25519(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** Two variants whose "models" are bytes: the bundle does not look inside. */
export function draft(): BundleDraft {
  return {
    name: "board-inspection",
    version: "1.2.0",
    createdAt: "2026-11-24T12:00:00.000Z",
    task: "detect",
    classes: ["scratch", "pit"],
    input: inputSpec({ widthPx: 160, heightPx: 160 }),
    decoder: { id: "centre", scoreThreshold: 0.3, iouThreshold: 0.5 },
    variants: [
      {
        name: "fp32",
        precision: "fp32",
        target: "any",
        model: Uint8Array.from({ length: 5000 }, (_, i) => i % 251),
        audited: false,
      },
      {
        name: "int8-ort-cpu",
        precision: "int8",
        target: "ort-cpu",
        model: Uint8Array.from({ length: 3000 }, (_, i) => i % 83),
        accuracy: { metric: "map50", value: 0.87, images: 40, interval: [0.82, 0.91] },
        latency: { ms: 4.5, machine: "generic-x64, 2 cores" },
        integerConvs: [18, 20],
        integerMacShare: 0.96,
        audited: true,
      },
    ],
    calibration: {
      preset: "default",
      method: "percentile",
      images: 64,
      imagesSha256: "ab".repeat(32),
    },
    licences: { model: "Apache-2.0" },
  };
}
