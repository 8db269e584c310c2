import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateSigningKeys, packBundle } from "../../src/bundle/index.js";
import { decodeImage } from "../../src/image/index.js";
import {
  folderSource,
  openRuntime,
  type FrameResult,
  type Runtime,
} from "../../src/runtime/index.js";
import { cocoClasses, yoloxDraft, COCO } from "./yolox-bundle.js";
import { hasData } from "../support/requirements.js";
import { temporaryFolder } from "./tiny-bundle.js";

const PHOTOS = join(COCO, "images/train2017");
const LIVING_ROOM = join(COCO, "images/val2017/000000000139.jpg");

describe.skipIf(!hasData("models") || !hasData("coco"))("YOLOX nano out of a signed bundle", () => {
  let edge: Runtime;
  beforeAll(async () => {
    const bundle = join(temporaryFolder(), "yolox.tar");
    const { privatePem, publicPem } = generateSigningKeys();
    await packBundle(bundle, yoloxDraft(), { privateKey: privatePem });
    edge = await openRuntime({ bundle, trustedKeys: [publicPem], workers: 2 });
  });
  afterAll(() => edge.close());

  test("sees what is in a photograph", async () => {
    const { detections, widthPx, heightPx } = await edge.detect(LIVING_ROOM);
    expect([widthPx, heightPx]).toEqual([640, 426]);
    const names = Array.from(detections.classIds, (id) => cocoClasses()[id]);
    expect(names).toContain("tv");
    expect(names).toContain("person");
    for (let i = 0; i < detections.count; i++) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = detections.boxes.subarray(4 * i, 4 * i + 4);
      expect(x2).toBeGreaterThan(x1);
      expect(y2).toBeGreaterThan(y1);
      expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0);
      expect(x2).toBeLessThanOrEqual(640);
      expect(y2).toBeLessThanOrEqual(426);
    }
  });

  test("finds the same in the file and in its bytes, and nearly so in its pixels", async () => {
    const [file, bytes, pixels] = await Promise.all([
      edge.detect(LIVING_ROOM),
      edge.detect(readFileSync(LIVING_ROOM)),
      edge.detect(await decodeImage(LIVING_ROOM)),
    ]);
    expect(bytes.detections).toEqual(file.detections);
    // Nearly: a JPEG may shrink while it is decoded.
    expect(pixels.detections.classIds[0]).toBe(file.detections.classIds[0]);
    expect(pixels.detections.scores[0]).toBeCloseTo(file.detections.scores[0] ?? NaN, 1);
  });

  test("a stream of photographs gives what one at a time gives, in order", async () => {
    const streamed: FrameResult[] = [];
    for await (const result of edge.stream(folderSource(PHOTOS))) streamed.push(result);
    expect(streamed.length).toBe(32);
    const sorted = streamed.map((r) => r.frameId);
    expect(sorted).toEqual([...sorted].sort());
    for (const { frameId, detections } of streamed.slice(0, 8))
      expect((await edge.detect(join(PHOTOS, frameId))).detections).toEqual(detections);
    expect(streamed.some((r) => r.detections.count > 0)).toBe(true);
  });
});
