import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packTarball } from "./check/pack-tarball.js";

/** One step of `npm run check`: a program of a development dependency, or a function that tells what is wrong. */
interface Step {
  name: string;
  run(): Promise<boolean>;
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

function runNode(args: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (data: Buffer): void => void (output += data.toString());
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("close", (status) => {
      if (status !== 0) process.stderr.write(output);
      done(status === 0);
    });
  });
}

/** Packs the package and lets publint and attw look at what a user would install. */
async function checkTarball(): Promise<boolean> {
  const folder = join(tmpdir(), `edge-distill-check-${String(process.pid)}`);
  try {
    const { staged, tarball } = await packTarball(folder);
    const { messages, pkg } = await publint({ pkgDir: staged, strict: true, pack: false });
    for (const message of messages) console.error(formatMessage(message, pkg));
    const attw = binPath("@arethetypeswrong/cli", "attw");
    return (await runNode([attw, tarball, "--profile", "esm-only"])) && messages.length === 0;
  } catch (error) {
    console.error(error);
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const STEPS: readonly Step[] = [
  program("types", "typescript", "tsc", "-p", "."),
  program("lint", "eslint", "eslint", ".", "--cache", "--cache-location", ".cache/eslint"),
  program("format", "prettier", "prettier", "--check", ".", "--log-level", "warn"),
  script("boundaries", "scripts/check-boundaries.ts"),
  program("dead code", "knip", "knip"),
  { name: "package", run: checkTarball },
  script("schemas", "scripts/generate-schemas.ts", "--check"),
];

/** Names on the command line pick steps; without any, all run. */
const wanted = process.argv.slice(2);
const failed: string[] = [];
for (const { name, run } of STEPS.filter(
  (step) => wanted.length === 0 || wanted.includes(step.name),
)) {
  const startedMs = performance.now();
  const ok = await run();
  if (!ok) failed.push(name);
  console.log(
    `${ok ? "ok    " : "FAILED"}  ${name}  ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
  );
}
if (failed.length > 0) {
  console.log(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
