import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createRng,
  EdgeDistillError,
  ERROR_CODES,
  ioError,
  throwIfAborted,
  writeFileAtomic,
} from "../../src/base/index.js";

describe("EdgeDistillError", () => {
  it("survives JSON with code, hint and details", () => {
    const error = new EdgeDistillError("CONFIG_INVALID", "m", {
      hint: "h",
      details: { field: "a.b" },
    });
    const copy = EdgeDistillError.fromJSON(
      JSON.parse(JSON.stringify(error)) as ReturnType<typeof error.toJSON>,
    );
    expect(copy).toMatchObject({
      code: "CONFIG_INVALID",
      message: "m",
      hint: "h",
      details: { field: "a.b" },
      exitStatus: 2,
    });
  });

  it("maps every code to a status that is not success", () => {
    for (const status of Object.values(ERROR_CODES)) expect(status).toBeGreaterThan(0);
  });
});

describe("createRng", () => {
  it("repeats by seed, differs by label", () => {
    const draw = (seed: string): number[] => Array.from({ length: 4 }, createRng(seed).next);
    expect(draw("a")).toEqual(draw("a"));
    expect(draw("a")).not.toEqual(draw("b"));
    const rng = createRng("a");
    expect(rng.fork("x").next()).toBe(createRng("a/x").next());
  });

  it("is uniform and normal enough", () => {
    const rng = createRng("moments");
    const u = Array.from({ length: 20_000 }, () => rng.next());
    const n = Array.from({ length: 20_000 }, () => rng.normal());
    const mean = (v: number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
    expect(mean(u)).toBeCloseTo(0.5, 1);
    expect(mean(n)).toBeCloseTo(0, 1);
    expect(mean(n.map((v) => v * v))).toBeCloseTo(1, 1);
    expect([...rng.shuffle([1, 2, 3, 4])].sort()).toEqual([1, 2, 3, 4]);
  });
});

describe("writeFileAtomic", () => {
  it("leaves the whole content and no temporary file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ed-atomic-"));
    await writeFileAtomic(join(folder, "deep", "a.txt"), "content");
    expect(await readFile(join(folder, "deep", "a.txt"), "utf8")).toBe("content");
    expect(await readdir(join(folder, "deep"))).toEqual(["a.txt"]);
  });

  it("says that the target's folder is a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ed-atomic-"));
    await writeFileAtomic(join(folder, "file"), "x");
    await expect(writeFileAtomic(join(folder, "file", "b"), "y")).rejects.toMatchObject({
      name: "EdgeDistillError",
    });
  });

  it("reports a full disk as such", () => {
    const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
    expect(ioError(full, "/data/x", "writing")).toMatchObject({
      code: "IO_DISK_FULL",
      exitStatus: 8,
    });
  });
});

describe("throwIfAborted", () => {
  it("throws only after the signal fired", () => {
    const controller = new AbortController();
    expect(() => throwIfAborted(controller.signal, "testing")).not.toThrow();
    controller.abort();
    expect(() => throwIfAborted(controller.signal, "testing")).toThrow(
      expect.objectContaining({ code: "INTERRUPTED" }),
    );
  });
});
