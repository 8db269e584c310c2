import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "tsup";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workerFile } from "../../src/base/index.js";
import { identity } from "./tiny-model.js";

const run = promisify(execFile);
let folder: string;

/** The engine and image rooms built as the package builds them: ESM, shared chunks, the worker as a file of its own. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-built-"));
  await build({
    config: false,
    silent: true,
    entry: {
      index: "src/engine/index.ts",
      image: "src/image/index.ts",
      "engine/worker": "src/engine/worker.ts",
    },
    outDir: join(folder, "dist"),
    format: "esm",
    target: "node20",
    platform: "node",
    splitting: true,
    bundle: true,
    external: ["sharp", "onnxruntime-node"],
    noExternal: ["zod"],
  });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "model.onnx"), identity("float32", ["n"]));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function script(text: string): Promise<string> {
  const file = join(folder, "script.js");
  await writeFile(file, text);
  const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 30_000 });
  return stdout.trim();
}

const ASK = `
  import { openEngine } from "./dist/index.js";
  const show = (error) => console.log(error.code + " | " + error.message + " | " + error.hint);
`;

describe("the built engine", () => {
  test("without onnxruntime-node and sharp names the package and the command that installs it", async () => {
    const inline = await script(`${ASK} await openEngine({ kind: "inline" }).catch(show);`);
    expect(inline).toMatch(
      /^DEPENDENCY_MISSING \| .*"onnxruntime-node" is not installed.* \| Run: npm install onnxruntime-node/,
    );
    const worker = await script(`${ASK} await openEngine().catch(show);`);
    expect(worker).toBe(inline);
    const image = await script(`
      import { decodeImage } from "./dist/image.js";
      await decodeImage(new Uint8Array(4)).catch((error) => console.log(error.code, error.hint));
    `);
    expect(image).toBe("DEPENDENCY_MISSING Run: npm install sharp");
  });

  test("finds its worker beside the chunks, and an engine left open does not keep the process alive", async () => {
    await mkdir(join(folder, "node_modules"));
    for (const name of ["onnxruntime-node", "onnxruntime-common"])
      await symlink(resolve("node_modules", name), join(folder, "node_modules", name));
    const output = await script(`${ASK}
      const engine = await openEngine({ workers: 2 });
      const session = await engine.createSession("model.onnx");
      const { y } = await session.run({ x: { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) } });
      console.log(engine.kind, [...y.data].join());
    `);
    expect(output).toBe("worker 1,2");
  });
});

test("a worker that is not in the build is a defect that says so", () => {
  expect(() => workerFile("nowhere/worker")).toThrowError(
    expect.objectContaining({
      code: "INTERNAL",
      message: expect.stringContaining("nowhere/worker") as string,
    }) as Error,
  );
  expect(workerFile("engine/worker")).toBe(resolve("src/engine/worker.ts"));
});
