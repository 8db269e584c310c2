import { dependencyError, ERROR_CODES } from "../../base/index.js";
import { probeMachine } from "../../device/index.js";
import { openEngine } from "../../engine/index.js";
import { decodeImage, encodeImage } from "../../image/index.js";
import { defineCommand } from "../command.js";
import { columns } from "../table.js";

interface Check {
  name: string;
  ok: boolean;
  /** Whether anything stops working without it. */
  needed: boolean;
  fact: string;
  hint?: string;
}

export default defineCommand({
  name: "doctor",
  description:
    "Checks this machine: Node's version, whether the engine and the image library really work, and which device profile fits.",
  example: ["edge-distill doctor"],
  options: {},
  async run(_, { result }) {
    const checks = [
      nodeVersion(),
      await check("onnxruntime-node", true, engineWorks),
      await check("sharp", true, imagesWork),
      await check("koffi", false, koffiLoads),
    ];
    const { machine, profileId, why } = await probeMachine();
    const ok = checks.every((c) => c.ok || !c.needed);
    const lines = checks.flatMap((c) => [
      [c.ok ? "ok" : c.needed ? "FAILED" : "absent", c.name, c.fact],
      ...(c.hint === undefined ? [] : [["", "", `hint: ${c.hint}`]]),
    ]);
    result(
      [
        ...columns(lines),
        "",
        `machine  ${machine.platform} ${machine.architecture}, ${machine.cpuModel}, ${String(machine.cores)} cores, ${String(machine.memoryMiB)} MiB`,
        `profile  ${profileId}: ${why}`,
      ].join("\n"),
      { ok, checks, machine, profile: profileId, why },
    );
    return ok ? 0 : ERROR_CODES.DEPENDENCY_MISSING;
  },
});

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "node",
    ok,
    needed: true,
    fact: process.versions.node,
    ...(ok ? {} : { hint: "Install Node 20.19 or later." }),
  };
}

async function check(name: string, needed: boolean, act: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, needed, fact: await act() };
  } catch (error) {
    const { message, hint } = dependencyError(name, "this check", error);
    return { name, ok: false, needed, fact: message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function engineWorks(): Promise<string> {
  await using engine = await openEngine();
  return `ONNX Runtime ${engine.version}, in a worker thread`;
}

async function imagesWork(): Promise<string> {
  const pixels = Uint8Array.from([255, 0, 0, 0, 255, 0]);
  const image = await decodeImage(await encodeImage(pixels, { widthPx: 2, heightPx: 1 }));
  return `encodes and decodes (${String(image.widthPx)}x${String(image.heightPx)})`;
}

/** Nothing needs it yet: it will call ONNX Runtime's C API, for a board's own build of the library. */
async function koffiLoads(): Promise<string> {
  const name = "koffi";
  await import(name);
  return "loads (optional, for a board's own ONNX Runtime)";
}
