import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateSigningKeys } from "../../src/bundle/index.js";
import {
  captureTime,
  folderSource,
  openRuntime,
  publishable,
  pushSource,
  STAGES,
  type Frame,
  type FrameResult,
  type Runtime,
  type RuntimeEvent,
} from "../../src/runtime/index.js";
import type { FrameResult as StreamFrameResult } from "../../src/stream/index.js";
import { detectionsSchema } from "../../src/wire/index.js";
import { grey, greyFolder, temporaryFolder, tinyBundle } from "./tiny-bundle.js";

const score = ({ detections }: FrameResult): number => detections.scores[0] ?? NaN;
const levelOf = (result: FrameResult): number => Math.round(score(result) * 255);

/** Grey frames, counting how many were taken. */
function greyFrames(
  count: number,
  { onTake = () => undefined }: { onTake?: (i: number) => unknown } = {},
): { taken: number; returned: boolean; [Symbol.asyncIterator](): AsyncGenerator<Frame> } {
  return {
    taken: 0,
    returned: false,
    async *[Symbol.asyncIterator]() {
      try {
        for (let i = 0; i < count; i++) {
          this.taken++;
          await onTake(i);
          yield { id: `frame-${String(i)}`, capturedAt: captureTime(), image: grey(i % 256) };
        }
      } finally {
        this.returned = true;
      }
    },
  };
}

async function collect(results: AsyncIterable<FrameResult>): Promise<FrameResult[]> {
  const list: FrameResult[] = [];
  for await (const result of results) list.push(result);
  return list;
}

describe("a runtime on a tiny model", () => {
  let bundle: Awaited<ReturnType<typeof tinyBundle>>;
  let edge: Runtime;
  const events: RuntimeEvent[] = [];
  beforeAll(async () => {
    bundle = await tinyBundle();
    edge = await openRuntime({ ...bundle, workers: 2, onEvent: (event) => events.push(event) });
  });
  afterAll(() => edge.close());

  test("says what runs and why", () => {
    expect(edge.variant.name).toBe("fp32");
    expect(edge.provider).toBe("cpu");
    expect(edge.selection.reason).toMatch(/^fp32 for .*: runs on cpu/);
    expect(edge.manifest.classes).toEqual(["bright"]);
    expect(events).toContainEqual({
      kind: "variant-selected",
      selection: edge.selection,
      provider: "cpu",
    });
  });

  test("detects in pixels, encoded bytes and a file alike", async () => {
    const folder = await greyFolder([128]);
    const file = join(folder, "000.png");
    const results = await Promise.all([
      edge.detect(grey(128), { id: "part-7" }),
      edge.detect(readFileSync(file)),
      edge.detect(file),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({
        widthPx: 40,
        heightPx: 40,
        variant: "fp32",
        modelHash: edge.variant.sha256,
      });
      expect(result.detections.count).toBe(1);
      expect([...result.detections.boxes]).toEqual([0, 0, 40, 40]);
      expect(levelOf(result)).toBe(128);
    }
    expect(results.map((r) => r.frameId)).toEqual(["part-7", expect.any(String), file]);
  });

  test("stamps every stage; together they are the total", async () => {
    const { stagesMs, capturedAt } = await edge.detect(grey(1));
    expect(Object.keys(stagesMs)).toEqual([...STAGES]);
    const { total, ...parts } = stagesMs;
    expect(Object.values(parts).every((ms) => ms >= 0)).toBe(true);
    expect(Object.values(parts).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(total, 6);
    expect(capturedAt).toEqual({
      wallMs: expect.any(Number) as number,
      monotonicNs: expect.any(BigInt) as bigint,
      quality: "unknown",
    });
  });

  test("a result goes to a publisher as it is", async () => {
    const converted: StreamFrameResult = publishable(await edge.detect(grey(77), { id: "a.jpg" }));
    const { frame, detections, model, latencyMs } = converted;
    const payload = {
      trace: {
        device: "d",
        boot: "0".repeat(16),
        seq: 1,
        topicSeq: 1,
        monotonicNs: String(converted.capturedAt?.monotonicNs),
        clock: "unknown",
      },
      frame,
      model,
      latencyMs,
      boxFormat: detections.boxFormat,
      count: detections.count,
      boxes: [...detections.boxes],
      scores: [...detections.scores],
      classIds: [...detections.classIds],
    };
    expect(detectionsSchema.safeParse(payload).error).toBeUndefined();
  });

  test("many pictures at once each get their own result", async () => {
    const levels = Array.from({ length: 60 }, (_, i) => (i * 37) % 256);
    const results = await Promise.all(levels.map((level) => edge.detect(grey(level))));
    expect(results.map(levelOf)).toEqual(levels);
    expect(new Set(results.map((r) => r.sequence)).size).toBe(60);
  });

  test("a stream gives every frame, in order", async () => {
    const results = await collect(edge.stream(greyFrames(100)));
    expect(results.map((r) => r.frameId)).toEqual(
      Array.from({ length: 100 }, (_, i) => `frame-${String(i)}`),
    );
    expect(results.map((r) => r.sequence)).toEqual(results.map((_, i) => i));
    expect(results.map(levelOf)).toEqual(results.map((_, i) => i));
  });

  test("every: a consumer that does not ask holds the source up, and loses nothing", async () => {
    const frames = greyFrames(40);
    const before = edge.stats().frames.done;
    const results = edge.stream(frames, { maxInFlight: 5 })[Symbol.asyncIterator]();
    const first = await results.next();
    // One was handed out, five are ready behind it; nothing more may be taken.
    while (edge.stats().frames.done < before + 6) await setImmediate();
    for (let i = 0; i < 50; i++) await setImmediate();
    expect(frames.taken).toBe(6);
    const rest = await collect({ [Symbol.asyncIterator]: () => results });
    expect([first.value as FrameResult, ...rest].map((r) => r.sequence)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  test("latest: a slow consumer loses the oldest that wait, and each loss is counted", async () => {
    events.length = 0;
    const before = edge.stats().frames;
    const frames = greyFrames(50);
    const results = edge.stream(frames, { policy: "latest", maxInFlight: 3 });
    const seen: FrameResult[] = [];
    for await (const result of results) {
      // Until the source has given all it has.
      while (!frames.returned) await setImmediate();
      seen.push(result);
    }
    const { taken, done, dropped } = edge.stats().frames;
    expect(taken - before.taken).toBe(50);
    expect(done - before.done).toBe(seen.length);
    expect(dropped - before.dropped).toBe(50 - seen.length);
    expect(seen.length).toBeLessThan(10);
    const sequences = seen.map((r) => r.sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(sequences.at(-1)).toBe(49);
    const lost = events.flatMap((e) => (e.kind === "frame-dropped" ? [e.sequence] : []));
    expect([...sequences, ...lost].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  test("a corrupt frame gives an event and a counter, and the stream goes on", async () => {
    events.length = 0;
    const before = edge.stats().frames;
    const folder = await greyFolder([10, 20, 30, 40]);
    writeFileSync(join(folder, "001.png"), "not a picture");
    const whole = readFileSync(join(folder, "002.png"));
    writeFileSync(join(folder, "002.png"), whole.subarray(0, whole.length - 30));
    const results = await collect(edge.stream(folderSource(folder)));
    expect(results.map((r) => [r.frameId, r.sequence])).toEqual([
      ["000.png", 0],
      ["003.png", 3],
    ]);
    expect(events).toMatchObject([
      {
        kind: "frame-failed",
        source: folder,
        frameId: "001.png",
        sequence: 1,
        error: { code: "IMAGE_NOT_AN_IMAGE" },
      },
      { kind: "frame-failed", frameId: "002.png", sequence: 2, error: { code: "IMAGE_CORRUPT" } },
    ]);
    const { done, failed } = edge.stats().frames;
    expect([done - before.done, failed - before.failed]).toEqual([2, 2]);
  });

  test("an abort drains what is in flight and ends without an error", async () => {
    const stop = new AbortController();
    const frames = greyFrames(1000);
    const seen: number[] = [];
    for await (const { sequence } of edge.stream(frames, { signal: stop.signal, maxInFlight: 4 })) {
      seen.push(sequence);
      if (sequence === 10) stop.abort();
    }
    // What was taken came out, and no more was taken.
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i));
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.length).toBeLessThanOrEqual(15);
    expect(frames.taken - seen.length).toBeLessThanOrEqual(1);
    expect(frames.returned).toBe(true);
    expect(edge.stats().inFlight).toBe(0);
  });

  test("a signal that fired before gives an empty stream, and frees who pushes", async () => {
    const source = pushSource({ capacity: 1 });
    await source.push(grey(1));
    const stuck = expect(source.push(grey(2))).rejects.toMatchObject({ code: "RUNTIME_CLOSED" });
    expect(await collect(edge.stream(source, { signal: AbortSignal.abort() }))).toEqual([]);
    await stuck;
  });

  test("leaving the loop stops the source and leaves nothing behind", async () => {
    const frames = greyFrames(1000);
    for await (const { sequence } of edge.stream(frames)) if (sequence === 3) break;
    expect(frames.returned).toBe(true);
    expect(frames.taken).toBeLessThan(20);
    expect(edge.stats().inFlight).toBe(0);
  });

  test("what the source throws comes after the results before it", async () => {
    const failure = new Error("the camera is gone");
    const frames = greyFrames(5, {
      onTake: (i) => {
        if (i === 3) throw failure;
      },
    });
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const { sequence } of edge.stream(frames)) seen.push(sequence);
    };
    await expect(loop()).rejects.toBe(failure);
    expect(seen).toEqual([0, 1, 2]);
  });

  test("two streams share the model", async () => {
    const [a, b] = await Promise.all([
      collect(edge.stream(greyFrames(30))),
      collect(edge.stream(greyFrames(30))),
    ]);
    for (const results of [a, b]) expect(results.map(levelOf)).toEqual(results.map((_, i) => i));
  });

  test("a picture that is none fails detect() alone", async () => {
    const file = join(temporaryFolder(), "x.jpg");
    writeFileSync(file, "text");
    await expect(edge.detect(file)).rejects.toMatchObject({ code: "IMAGE_NOT_AN_IMAGE" });
    await expect(edge.detect("no/such.jpg")).rejects.toMatchObject({ code: "IO_NOT_FOUND" });
    await expect(edge.detect({ ...grey(1), widthPx: 41 })).rejects.toMatchObject({
      code: "IMAGE_SIZE",
    });
    expect(levelOf(await edge.detect(grey(9)))).toBe(9);
  });

  test("percentiles of the stages are those of the frames", async () => {
    const { stagesMs } = edge.stats();
    for (const stage of STAGES) {
      expect(stagesMs[stage].p50).toBeLessThanOrEqual(stagesMs[stage].p95);
      expect(stagesMs[stage].p95).toBeLessThanOrEqual(stagesMs[stage].p99);
    }
    expect(stagesMs.total.p50).toBeGreaterThan(0);
    await using fresh = await openRuntime({ ...bundle, workers: 1 });
    expect(fresh.stats().stagesMs.infer.p50).toBeNaN();
    expect(fresh.stats().frames).toEqual({ taken: 0, done: 0, failed: 0, dropped: 0 });
    const { stagesMs: only } = await fresh.detect(grey(1));
    expect(fresh.stats().stagesMs.infer).toEqual({
      p50: only.infer,
      p95: only.infer,
      p99: only.infer,
    });
  });

  test("closing while streams and pictures run lets them come out", async () => {
    const other = await openRuntime({ ...bundle, workers: 2 });
    const frames = greyFrames(10_000);
    const seen: number[] = [];
    let closing: Promise<void> | undefined;
    const pictures = Array.from({ length: 10 }, (_, i) => other.detect(grey(i)));
    for await (const { sequence } of other.stream(frames)) {
      seen.push(sequence);
      if (sequence === 5) closing = other.close();
    }
    expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i));
    expect(seen.length).toBeLessThan(50);
    expect((await Promise.all(pictures)).map(levelOf)).toEqual(pictures.map((_, i) => i));
    await closing;
    await other.close();
    await expect(other.detect(grey(1))).rejects.toMatchObject({ code: "RUNTIME_CLOSED" });
    expect(() => other.stream(frames)).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });

  test("the score threshold of the application goes before the bundle's", async () => {
    await using strict = await openRuntime({ ...bundle, workers: 1, scoreThreshold: 0.5 });
    expect((await strict.detect(grey(100))).detections.count).toBe(0);
    expect((await strict.detect(grey(200))).detections.count).toBe(1);
  });

  test("a profile of a GPU board on a machine without: tried, told, and run on the CPU", async () => {
    const told: RuntimeEvent[] = [];
    await using board = await openRuntime({
      ...bundle,
      workers: 1,
      device: "jetson-orin-nano-8gb",
      onEvent: (event) => told.push(event),
    });
    expect(board.provider).toBe("cpu");
    expect(told).toMatchObject([
      { kind: "variant-failed", variant: "fp32", providers: ["tensorrt", "cuda"] },
      { kind: "variant-selected", provider: "cpu" },
    ]);
    expect(board.selection.reason).toMatch(/tensorrt, cuda did not load it/);
    expect(levelOf(await board.detect(grey(50)))).toBe(50);
  });

  test("a tampered bundle is refused", async () => {
    const { bundle: path, trustedKeys } = await tinyBundle();
    appendFileSync(join(path, "variants/fp32.onnx"), "x");
    await expect(openRuntime({ bundle: path, trustedKeys })).rejects.toMatchObject({
      code: "BUNDLE_TAMPERED",
    });
  });

  test("a bundle signed by a key that the device does not trust is refused", async () => {
    await expect(
      openRuntime({ ...bundle, trustedKeys: [generateSigningKeys().publicPem] }),
    ).rejects.toMatchObject({ code: "BUNDLE_UNTRUSTED" });
    await expect(openRuntime({ ...bundle, trustedKeys: [] })).rejects.toMatchObject({
      code: "BUNDLE_KEY",
    });
  });

  test("a variant that is not there, and a device that is not known", async () => {
    await expect(openRuntime({ ...bundle, variant: "int9" })).rejects.toMatchObject({
      code: "RUNTIME_NO_VARIANT",
      message: expect.stringContaining("it has fp32") as string,
    });
    await expect(openRuntime({ ...bundle, device: "toaster" })).rejects.toMatchObject({
      code: "DEVICE_UNKNOWN",
    });
    await expect(openRuntime({ ...bundle, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});

test("timers fire while the model works", async () => {
  const bundle = await tinyBundle({ load: 12 });
  await using edge = await openRuntime({ ...bundle, workers: 2 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const results = await collect(edge.stream(greyFrames(24)));
  clearInterval(timer);
  expect(results.map(levelOf)).toEqual(results.map((_, i) => i));
  // Were the model on the main thread, a timer could fire once a run at most.
  expect(ticks).toBeGreaterThan(24);
});
