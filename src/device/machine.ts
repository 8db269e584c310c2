import { readFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";

/** CPU features that decide how fast int8 and half precision run, by their names in `/proc/cpuinfo`. */
const NOTED_FEATURES = new Set([
  "avx2",
  "avx_vnni",
  "avx512f",
  "avx512_vnni",
  "avx512_bf16",
  "amx_int8",
  "asimdhp",
  "asimddp",
  "i8mm",
  "bf16",
  "sve",
  "sve2",
]);

/** NVIDIA's Jetson Linux as `/etc/nv_tegra_release` tells it. */
export interface JetsonLinux {
  /** `"36.4.3"` */
  release: string;
  /** Major version of the JetPack it belongs to; null when the release is unknown to us. */
  jetpackMajor: number | null;
}

/** What a look at the machine shows. */
export interface MachineFacts {
  architecture: string;
  platform: string;
  cpuModel: string;
  cores: number;
  /** Those of interest, sorted. */
  cpuFeatures: readonly string[];
  /** Whether the CPU multiplies and adds int8 four at a time (VNNI, dotprod). */
  int8DotProduct: boolean;
  memoryMiB: number;
  deviceTreeModel: string | null;
  jetsonLinux: JetsonLinux | null;
}

export interface MachineOptions {
  /** Root of the file tree looked at. */
  root?: string;
  architecture?: string;
}

/** L4T major → JetPack major. R38 is JetPack 7.0 and 7.1, R39 is 7.2. */
const JETPACK_OF_L4T: Readonly<Record<string, number>> = {
  32: 4,
  34: 5,
  35: 5,
  36: 6,
  38: 7,
  39: 7,
};

/** Reads what the machine's files tell; what they do not is null, empty or Node's own answer. */
export async function machineFacts({
  root = "/",
  architecture = process.arch,
}: MachineOptions = {}): Promise<MachineFacts> {
  const [cpuinfo, meminfo, model, release] = await Promise.all(
    ["proc/cpuinfo", "proc/meminfo", "proc/device-tree/model", "etc/nv_tegra_release"].map((file) =>
      readFile(join(root, file), "utf8").catch(() => undefined),
    ),
  );
  const cpuFeatures = featuresOf(cpuinfo ?? "");
  return {
    architecture,
    platform: process.platform,
    cpuModel: cpuField(cpuinfo ?? "", "model name") ?? cpus()[0]?.model ?? "unknown",
    cores: (cpuinfo?.match(/^processor\s*:/gm) ?? cpus()).length,
    cpuFeatures,
    int8DotProduct: cpuFeatures.some((feature) =>
      ["avx_vnni", "avx512_vnni", "amx_int8", "asimddp"].includes(feature),
    ),
    memoryMiB: memoryMiB(meminfo),
    deviceTreeModel: model === undefined ? null : model.replaceAll("\0", "").trim(),
    jetsonLinux: release === undefined ? null : jetsonLinux(release),
  };
}

function cpuField(cpuinfo: string, name: string): string | undefined {
  return new RegExp(`^${name}\\s*:\\s*(.+)$`, "m").exec(cpuinfo)?.[1]?.trim();
}

function featuresOf(cpuinfo: string): string[] {
  const listed = cpuField(cpuinfo, "flags") ?? cpuField(cpuinfo, "Features") ?? "";
  return listed
    .split(/\s+/)
    .filter((feature) => NOTED_FEATURES.has(feature))
    .sort();
}

function memoryMiB(meminfo: string | undefined): number {
  const kiB = /^MemTotal:\s*(\d+) kB$/m.exec(meminfo ?? "")?.[1];
  return Math.round(kiB === undefined ? totalmem() / 1024 ** 2 : Number(kiB) / 1024);
}

/** Reads `# R36 (release), REVISION: 4.3, …`. */
function jetsonLinux(text: string): JetsonLinux | null {
  const [, major, revision] = /# R(\d+) \(release\), REVISION: ([\d.]+)/.exec(text) ?? [];
  if (major === undefined || revision === undefined) return null;
  return { release: `${major}.${revision}`, jetpackMajor: JETPACK_OF_L4T[major] ?? null };
}
