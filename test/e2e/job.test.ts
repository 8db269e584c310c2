import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderAerialSet } from "../../src/data/index.js";
import type { JobConfigInput, JobResult } from "../../src/job/index.js";
import { run } from "../cli/run.js";
import { startMosquitto } from "../support/broker.js";
import { startProxy } from "../support/proxy.js";
import { requires } from "../support/requirements.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-job-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program in a process of its own; `onLine` sees each line of progress and can send it a signal. */
function program(
  args: readonly string[],
  onLine: (line: string, kill: (signal: "SIGINT" | "SIGKILL") => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "scripts/edge-distill.ts", ...args, "--json"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const out = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (out.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    out.stderr += chunk.toString();
    for (const line of chunk.toString().split("\n")) onLine(line, (signal) => child.kill(signal));
  });
  return new Promise((resolve) => {
    child.on("close", (status) => {
      resolve({ status, ...out });
    });
  });
}

type WholeResult = JobResult & { stream: NonNullable<JobResult["stream"]> };

function resultOf({ status, stdout, stderr }: Ended): WholeResult {
  expect(stderr.includes("\n    at ") ? stderr : "").toBe("");
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as WholeResult;
}

/** What must hold of every job, whatever it has learned. */
async function expectWhole(out: string, result: WholeResult): Promise<void> {
  expect(result.variants.map((v) => [v.precision, v.target])).toEqual([
    ["fp32", "any"],
    ["fp16", "any"],
    ["int8", "ort-cpu"],
    ["int8", "tensorrt"],
  ]);
  const cpu = result.variants.find((v) => v.target === "ort-cpu");
  expect(cpu?.audited).toBe(true);
  expect(cpu?.integerMacShare).toBeGreaterThan(0.9);
  expect(result.stream.variant).toBe("int8-ort-cpu");
  expect(result.stream).toMatchObject({ lost: 0, duplicated: 0, invalid: 0 });
  expect(result.stream.consumed).toBe(result.stream.published);
  expect(JSON.parse(await readFile(join(out, "result.json"), "utf8"))).toEqual(result);
  expect(await readFile(join(out, "report.html"), "utf8")).toContain("Detections on held-out");
  const left = await readdir(out, { recursive: true });
  expect(left.filter((file) => file.endsWith(".tmp") || file.includes("checkpoint"))).toEqual([]);
  const verified = await run([
    "verify",
    join(out, "bundle.tar"),
    "--key",
    join(out, "signing-public.pem"),
  ]);
  expect(verified.status).toBe(0);
}

describe("edge-distill demo --quick", () => {
  it("goes from rendered images to counted detections, its connections cut once", async () => {
    const out = join(folder, "demo");
    const result = resultOf(await program(["demo", "--quick", "--out", out]));
    await expectWhole(out, result);
    expect(result.stream).toMatchObject({ published: 40, broker: "embedded" });
    expect(result.stream.reconnects).toBeGreaterThan(0);
    expect(result.baseline?.map50).toBeLessThan(0.4);
    expect(result.teacher.params).toBeGreaterThan(result.student.params);
    expect(result.scratch?.cpuSeconds).toBeGreaterThanOrEqual(result.student.cpuSeconds * 0.95);
  }, 240_000);
});

describe.skipIf(!requires("mosquitto"))("edge-distill run --config, through mosquitto", () => {
  it("goes on where it stopped: interrupted, killed, or its broker lost", async () => {
    await using broker = await startMosquitto();
    const images = join(folder, "aerial");
    await renderAerialSet(images, {
      seed: 3,
      counts: { unlabelled: 10, labelled: 12, heldOut: 6 },
    });
    // a file that breaks off is left out, whichever stage reads it
    const broken = join(images, "unlabelled/00003.jpg");
    await writeFile(broken, (await readFile(broken)).subarray(0, 4000));
    const config: JobConfigInput = {
      name: "field",
      data: {
        format: "coco",
        root: "aerial",
        trainSplit: "labelled",
        heldOutSplit: "held-out",
        labelledImages: 8,
        unlabelled: "aerial/unlabelled",
      },
      input: { widthPx: 256, heightPx: 192, trainWidthPx: 128, trainHeightPx: 128 },
      teacher: { pretrainSeconds: 2, trainSeconds: 2 },
      student: { architecture: "n", distilSeconds: 3, finetuneSeconds: 2 },
      training: { batch: 4 },
      quantize: { preset: "fast" },
      stream: { brokerUrl: broker.url, frames: 12 },
      output: "field",
    };
    const file = join(folder, "field.json");
    await writeFile(file, JSON.stringify(config));
    const out = join(folder, "field");

    const interrupted = await program(["run", "--config", file], (line, kill) => {
      if (line.startsWith("distil student")) kill("SIGINT");
    });
    expect(interrupted.status).toBe(130);
    expect(JSON.parse(interrupted.stdout)).toMatchObject({
      error: { code: "INTERRUPTED", hint: expect.stringContaining("to go on from") as unknown },
    });
    expect(existsSync(join(out, "student.onnx"))).toBe(false);
    expect(
      (await readdir(join(out, ".edge-distill-checkpoints"), { recursive: true })).join(" "),
    ).toMatch(/distil-student\.ckpt/);

    const killed = await program(["run", "--config", file], (text, kill) => {
      if (text.startsWith("fine-tune student")) kill("SIGKILL");
    });
    expect(killed.status).toBeNull();
    expect(killed.stderr).not.toContain("pre-train teacher ");
    expect(existsSync(join(out, "student.onnx"))).toBe(false);

    await using line = await startProxy(broker.port);
    const cut = await program(["run", "--config", file, "--broker", line.url], (text) => {
      if (!text.startsWith("stream …")) return;
      line.setOpen(false);
      line.cut();
    });
    expect(cut.status).toBe(7);
    // the stages that were done are not done again
    expect(cut.stderr).not.toContain("distil student ");
    expect(cut.stderr).toContain("fine-tune student ");
    // what was trained is told nevertheless
    expect(existsSync(join(out, "report.html"))).toBe(true);
    expect(JSON.parse(await readFile(join(out, "result.json"), "utf8"))).toMatchObject({
      stream: null,
      variants: [{ name: "fp32" }, { name: "fp16" }, { name: "int8-ort-cpu" }, {}],
    });

    const stopped = await program(["run", "--config", file], (text, kill) => {
      if (text.startsWith("stream …")) kill("SIGINT");
    });
    expect(stopped.status).toBe(130);

    const ended = await program(["run", "--config", file]);
    expect(ended.stderr).toContain(`${broken} is left out`);
    const result = resultOf(ended);
    expect(ended.stderr).not.toContain("fine-tune student ");
    await expectWhole(out, result);
    expect(result.stream).toMatchObject({ published: 12, broker: "given" });
    expect(result.baseline).toBeNull();
  }, 240_000);
});
