import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packTarball } from "./check/pack-tarball.js";

interface Outcome {
  ok: boolean;
  /** What it printed. */
  output: string;
}

/** One step of `npm run check`: a program of a development dependency, or a function that tells what is wrong. */
interface Step {
  name: string;
  run(): Promise<Outcome>;
}

/** Runs a package's program in this project; what it prints is shown only when it fails. */
function program(name: string, packageName: string, bin: string, ...args: string[]): Step {
  return {
    name,
    run: () => runNode([binPath(packageName, bin), ...args]),
  };
}

function script(name: string, path: string, ...args: string[]): Step {
  return { name, run: () => runNode(["--import", "tsx", path, ...args]) };
}

function binPath(packageName: string, bin: string): string {
  const manifest = resolve("node_modules", packageName, "package.json");
  const { bin: bins } = JSON.parse(readFileSync(manifest, "utf8")) as {
    bin: string | Record<string, string>;
  };
  return join(dirname(manifest), typeof bins === "string" ? bins : (bins[bin] ?? bin));
}

function runNode(args: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (data: Buffer): void => void (output += data.toString());
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("close", (status) => {
      done({ ok: status === 0, output });
    });
  });
}

/** Packs the package and lets publint and attw look at what a user would install. */
async function checkTarball(): Promise<Outcome> {
  const folder = join(tmpdir(), `edge-distill-check-${String(process.pid)}`);
  try {
    const { staged, tarball } = await packTarball(folder);
    const { messages, pkg } = await publint({ pkgDir: staged, strict: true, pack: false });
    const attw = await runNode([
      binPath("@arethetypeswrong/cli", "attw"),
      tarball,
      "--profile",
      "esm-only",
    ]);
    const complaints = messages.map((message) => formatMessage(message, pkg) ?? message.code);
    return {
      ok: attw.ok && messages.length === 0,
      output: [...complaints, attw.output].join("\n"),
    };
  } catch (error) {
    return { ok: false, output: String(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Longest first. */
const STEPS: readonly Step[] = [
  program("lint", "eslint", "eslint", ".", "--cache", "--cache-location", ".cache/eslint"),
  { name: "package", run: checkTarball },
  program("types", "typescript", "tsc", "-p", "."),
  program("format", "prettier", "prettier", "--check", ".", "--log-level", "warn"),
  script("boundaries", "scripts/check-boundaries.ts"),
  program("dead code", "knip", "knip"),
  script("schemas", "scripts/generate-schemas.ts", "--check"),
];

/** Names on the command line pick steps; without any, all run, two at a time. */
const wanted = process.argv.slice(2);
const waiting = STEPS.filter((step) => wanted.length === 0 || wanted.includes(step.name));
const failed: string[] = [];

async function work(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const startedMs = performance.now();
    const { ok, output } = await step.run();
    if (!ok) failed.push(step.name);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (!ok) console.error(output);
    console.log(`${ok ? "ok    " : "FAILED"}  ${step.name}  ${seconds} s`);
  }
}

await Promise.all([work(), work()]);
if (failed.length > 0) {
  console.log(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
