import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  deviceProfileSchema,
  listDeviceProfiles,
  loadDeviceProfile,
  machineFacts,
  matchProfile,
  numericFields,
  probeMachine,
} from "../../src/device/index.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-distill-device-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const files = (await readdir("devices")).filter((file) => file.endsWith(".json"));
const valid = JSON.parse(await readFile("devices/jetson-orin-nx-16gb.json", "utf8")) as Record<
  string,
  unknown
>;

async function write(name: string, profile: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof profile === "string" ? profile : JSON.stringify(profile));
  return path;
}

describe("devices/", () => {
  test("holds the boards that the project promises", () => {
    expect(files.map((file) => basename(file, ".json"))).toEqual(
      expect.arrayContaining([
        "generic-x64-cpu",
        "raspberry-pi-5",
        "jetson-orin-nano-8gb",
        "jetson-orin-nx-16gb",
        "jetson-agx-orin-64gb",
        "jetson-agx-thor",
      ]),
    );
  });

  test.each(files)("%s is valid, and each of its numbers has a source", async (file) => {
    const profile = await loadDeviceProfile(join("devices", file));
    const sourced = profile.sources.flatMap((source) => source.fields);
    const numbers = Object.entries(profile).filter(
      ([name, value]) => name !== "sources" && /\d/.test(JSON.stringify(value)),
    );
    const stated = numbers
      .map(([name]) => name)
      .filter(
        (name) => !["id", "board", "architecture", "deviceTreeModels", "precisions"].includes(name),
      );
    for (const name of stated) expect(sourced, `${file}: ${name}`).toContain(name);
    expect(numericFields(profile).sort()).toEqual(stated.sort());
  });

  test("NVIDIA boards go to TensorRT with CUDA and CPU behind it, others to the CPU", async () => {
    for (const profile of await listDeviceProfiles()) {
      expect(profile.providers.at(-1)).toBe("cpu");
      expect(profile.quantizationTarget).toBe(
        profile.computeCapability === null ? "ort-cpu" : "tensorrt",
      );
    }
  });
});

describe("loading a profile", () => {
  test("by id and by path", async () => {
    expect((await loadDeviceProfile("raspberry-pi-5")).architecture).toBe("arm64");
    const path = await write("my-camera.json", { ...valid, id: "my-camera" });
    expect((await loadDeviceProfile(path)).board).toBe("Jetson Orin NX 16GB");
  });

  test("an unknown id lists the known ones", async () => {
    await expect(loadDeviceProfile("raspberry-pi-9")).rejects.toMatchObject({
      code: "DEVICE_UNKNOWN",
      message: expect.stringMatching(/"raspberry-pi-9".*generic-x64-cpu.*raspberry-pi-5/) as string,
    });
    await expect(loadDeviceProfile(join(folder, "absent.json"))).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
    await expect(listDeviceProfiles({ folder: join(folder, "absent") })).rejects.toMatchObject({
      code: "IO_NOT_FOUND",
    });
  });

  test.each([
    { why: "a wrong value", change: { powerRangeW: [10, "25"] }, place: "field powerRangeW.1" },
    { why: "a field too many", change: { colour: "green" }, place: "colour" },
    { why: "an unknown provider", change: { providers: ["npu"] }, place: "field providers.0" },
    { why: "another name than its file", change: { id: "other" }, place: "field id" },
    {
      why: "a number without a source",
      change: { fp4SparseTflops: 5 },
      place: "field fp4SparseTflops",
    },
    { why: "a range upside down", change: { powerRangeW: [25, 10] }, place: "field powerRangeW" },
  ])("refuses $why and says where", async ({ change, place }) => {
    const path = await write("board.json", { ...valid, id: "board", ...change });
    await expect(loadDeviceProfile(path)).rejects.toMatchObject({
      code: "DEVICE_INVALID",
      message: expect.stringContaining(place) as string,
      details: { path },
    });
  });

  test("names a source's unknown field", () => {
    const sources = [
      ...(valid["sources"] as unknown[]),
      { fields: ["price"], title: "t", url: "https://example.org" },
    ];
    const result = deviceProfileSchema.safeParse({ ...valid, sources });
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([
      'names "price", which is no field of the profile',
    ]);
  });

  test("refuses a file that is not JSON", async () => {
    const path = await write("board.json", "{");
    await expect(loadDeviceProfile(path)).rejects.toMatchObject({ code: "DEVICE_INVALID" });
  });
});

/** A machine as its files tell it. */
async function machine(tree: Record<string, string>): Promise<string> {
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const ARM_CPU = [0, 1, 2, 3]
  .map((n) => `processor\t: ${String(n)}\nFeatures\t: fp asimd aes crc32 asimdhp asimddp\n`)
  .join("\n");
const memory = (gib: number): string =>
  `MemTotal:       ${String(Math.round(gib * 1024 * 1024))} kB\n`;

describe("probing", () => {
  test("this machine tells its real cores and memory", async () => {
    const { machine: facts, profileId, why } = await probeMachine();
    expect(facts.cores).toBeGreaterThanOrEqual(cpus().length);
    expect(facts.memoryMiB).toBeCloseTo(totalmem() / 1024 ** 2, -1);
    expect(facts.architecture).toBe(process.arch);
    expect(profileId).toBeTruthy();
    expect(why).toBeTruthy();
  });

  test("a Raspberry Pi 5", async () => {
    const root = await machine({
      "proc/cpuinfo": ARM_CPU,
      "proc/meminfo": memory(7.9),
      "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    });
    const { machine: facts, profileId, why } = await probeMachine({ root, architecture: "arm64" });
    expect(facts).toMatchObject({
      cores: 4,
      cpuFeatures: ["asimddp", "asimdhp"],
      int8DotProduct: true,
      jetsonLinux: null,
    });
    expect(profileId).toBe("raspberry-pi-5");
    expect(why).toMatch(/Raspberry Pi 5 Model B.*asimddp/);
  });

  test.each([
    {
      model: "NVIDIA Jetson Orin NX Engineering Reference Developer Kit Super",
      gib: 15.3,
      release: "R36 (release), REVISION: 4.3",
      id: "jetson-orin-nx-16gb",
      says: "36.4.3 (JetPack 6)",
    },
    {
      model: "NVIDIA Jetson Orin Nano Developer Kit",
      gib: 7.4,
      release: "R35 (release), REVISION: 4.1",
      id: "jetson-orin-nano-8gb",
      says: "35.4.1 (JetPack 5)",
    },
    {
      model: "NVIDIA Jetson AGX Thor Developer Kit",
      gib: 122,
      release: "R38 (release), REVISION: 2.2",
      id: "jetson-agx-thor",
      says: "38.2.2 (JetPack 7)",
    },
    {
      model: "NVIDIA Jetson AGX Orin Developer Kit",
      gib: 30,
      release: "R99 (release), REVISION: 1.0",
      id: "jetson-agx-orin-64gb",
      says: "only 30.0 GiB of memory where the profile says 64",
    },
  ])("a $model", async ({ model, gib, release, id, says }) => {
    const root = await machine({
      "proc/cpuinfo": ARM_CPU,
      "proc/meminfo": memory(gib),
      "proc/device-tree/model": `${model}\0`,
      "etc/nv_tegra_release": `# ${release}, GCID: 1, BOARD: generic, EABI: aarch64\n`,
    });
    const { profileId, why } = await probeMachine({ root, architecture: "arm64" });
    expect(profileId).toBe(id);
    expect(why).toContain(says);
  });

  test("an x64 computer with and without VNNI", async () => {
    const cpu = (flags: string): string =>
      `processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse4_2 ${flags}\n`;
    const withVnni = await machine({
      "proc/cpuinfo": cpu("avx2 avx512_vnni"),
      "proc/meminfo": memory(16),
    });
    expect(await probeMachine({ root: withVnni, architecture: "x64" })).toMatchObject({
      profileId: "generic-x64-cpu",
      why: expect.stringContaining("avx512_vnni") as string,
    });
    const without = await machine({ "proc/cpuinfo": cpu("avx2") });
    expect(await probeMachine({ root: without, architecture: "x64" })).toMatchObject({
      why: expect.stringContaining("no int8 dot products") as string,
    });
  });

  test("an architecture for which there is no profile", async () => {
    const facts = await machineFacts({ root: folder, architecture: "riscv64" });
    const profiles = await listDeviceProfiles();
    expect(() => matchProfile(facts, profiles)).toThrowError(
      expect.objectContaining({ code: "DEVICE_UNKNOWN" }) as Error,
    );
    const arm = await machineFacts({ root: folder, architecture: "arm64" });
    expect(matchProfile(arm, profiles).profile.id).toBe("raspberry-pi-5");
  });
});
