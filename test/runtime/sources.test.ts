import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { folderSource, pushSource, type Frame, type FrameSource } from "../../src/runtime/index.js";
import { grey, temporaryFolder } from "./tiny-bundle.js";

const live = (): AbortSignal => new AbortController().signal;

async function ids(source: FrameSource, signal = live()): Promise<string[]> {
  const list: string[] = [];
  for await (const { id } of source.frames({ signal })) list.push(id);
  return list;
}

describe("a folder", () => {
  function folder(...names: string[]): string {
    const path = temporaryFolder();
    for (const name of names) writeFileSync(join(path, name), "");
    return path;
  }

  test("gives its images sorted by name, and nothing else", async () => {
    const path = folder("b.JPG", "a.png", "c10.jpeg", "c2.jpeg", "notes.txt", ".hidden");
    mkdirSync(join(path, "d.jpg"));
    expect(await ids(folderSource(path))).toEqual(["a.png", "b.JPG", "c10.jpeg", "c2.jpeg"]);
    expect(await ids(folderSource(path, { extensions: [".txt"] }))).toEqual(["notes.txt"]);
  });

  test("starts over when it loops, under names that tell the rounds apart", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { id } of folderSource(folder("a.png", "b.png"), { loop: true }).frames({
      signal: stop.signal,
    })) {
      seen.push(id);
      if (seen.length === 5) stop.abort();
    }
    expect(seen).toEqual(["a.png", "b.png", "a.png#2", "b.png#2", "a.png#3"]);
  });

  test("keeps its pace: never faster than asked, not even to make up for lost time", async () => {
    const frames: Frame[] = [];
    const source = folderSource(folder("a.png", "b.png", "c.png", "d.png"), { fps: 50 });
    for await (const frame of source.frames({ signal: live() })) {
      frames.push(frame);
      // The consumer is late once, by more than a frame.
      if (frames.length === 1) for (const end = performance.now() + 50; performance.now() < end;);
    }
    const [, second = NaN, , fourth = NaN] = frames.map(
      (frame) => Number(frame.capturedAt.monotonicNs) / 1e6,
    );
    // Two periods of 20 ms; timers count whole milliseconds.
    expect(fourth - second).toBeGreaterThan(38);
  });

  test("a signal ends its sleep", async () => {
    const stop = new AbortController();
    const source = folderSource(folder("a.png", "b.png"), { fps: 0.001 });
    const seen: string[] = [];
    for await (const { id } of source.frames({ signal: stop.signal })) {
      seen.push(id);
      stop.abort();
    }
    expect(seen).toEqual(["a.png"]);
  });

  test("that is empty or absent is an error with its name", async () => {
    const path = folder("notes.txt");
    await expect(ids(folderSource(path))).rejects.toMatchObject({
      code: "DATA_EMPTY",
      message: `There is no image in ${path}`,
    });
    await expect(ids(folderSource(join(path, "no")))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });
});

describe("frames pushed by the application", () => {
  test("come out in order; push waits while the buffer is full", async () => {
    const source = pushSource({ capacity: 2 });
    const entered: number[] = [];
    const pushes = Array.from({ length: 5 }, (_, i) =>
      source.push(grey(i)).then(() => entered.push(i)),
    );
    await setImmediate();
    expect(entered).toEqual([0, 1]);
    expect(source.waiting).toBe(5);
    const frames = source.frames({ signal: live() })[Symbol.asyncIterator]();
    expect((await frames.next()).value).toMatchObject({ id: "0" });
    await setImmediate();
    expect(entered).toEqual([0, 1, 2]);
    const rest: unknown[] = [];
    for (let i = 1; i < 5; i++) rest.push((await frames.next()).value);
    expect(rest).toMatchObject([{ id: "1" }, { id: "2" }, { id: "3" }, { id: "4" }]);
    await Promise.all(pushes);
    const waiting = frames.next();
    await source.push(grey(9), { id: "part-9" });
    expect((await waiting).value).toMatchObject({ id: "part-9" });
    source.end();
    expect((await frames.next()).done).toBe(true);
  });

  test("what was pushed before the end still comes out, what comes after is refused", async () => {
    const source = pushSource({ name: "camera" });
    await source.push(grey(1), { id: "a" });
    await source.push(grey(2), { id: "b" });
    source.end();
    await expect(source.push(grey(3))).rejects.toMatchObject({
      code: "RUNTIME_CLOSED",
      message: expect.stringContaining('"camera"') as string,
    });
    expect(await ids(source)).toEqual(["a", "b"]);
  });

  test("a consumer that leaves frees those who wait", async () => {
    const source = pushSource({ capacity: 1 });
    await source.push(grey(1));
    const second = source.push(grey(2));
    const third = source.push(grey(3));
    for await (const { id } of source.frames({ signal: live() })) if (id === "0") break;
    await second;
    await expect(third).rejects.toMatchObject({ code: "RUNTIME_CLOSED" });
  });

  test("belong to one stream", async () => {
    const source = pushSource();
    source.end();
    expect(await ids(source)).toEqual([]);
    expect(() => source.frames({ signal: live() })).toThrow(
      expect.objectContaining({ code: "RUNTIME_SOURCE_TAKEN" }),
    );
  });
});
