import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doors, installTarball, isInstalled, type Project } from "./project.js";

let project: Project;
beforeAll(async () => {
  project = await installTarball("--omit=optional");
}, 120_000);
afterAll(() => {
  // Undefined when it could not be installed.
  (project as Project | undefined)?.remove();
});

describe("installed without its optional dependencies", () => {
  it("has none of them", () => {
    for (const name of ["onnxruntime-node", "koffi", "sharp"])
      expect(isInstalled(project, name)).toBe(false);
  });

  it.each(doors())("%s loads", async (door) => {
    const { stdout, stderr } = await project.node(
      `const door = await import("${door}"); console.log(Object.keys(door).length > 0);`,
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("true\n");
  });

  it("has one error class behind all doors", async () => {
    const { stdout } = await project.node(`
      const names = ${JSON.stringify(doors())};
      const classes = await Promise.all(names.map(async (name) => (await import(name)).EdgeDistillError));
      const { parseManifest } = await import("edge-distill");
      try { parseManifest(new Uint8Array(), "manifest.json"); }
      catch (error) { console.log(classes.map((c) => error instanceof c).join()); }
    `);
    expect(stdout).toBe(
      `${doors()
        .map(() => "true")
        .join()}\n`,
    );
  });

  it.each([
    ["the engine", "onnxruntime-node", "const { openEngine } = m; await openEngine();"],
    ["an image", "sharp", "await m.decodeImage(new Uint8Array(10));"],
  ])("%s gives DEPENDENCY_MISSING with the cure", async (_, name, act) => {
    const { stdout } = await project.node(`
      const m = await import("edge-distill");
      try { ${act} } catch (error) { console.log(JSON.stringify(error)); }
    `);
    expect(JSON.parse(stdout)).toMatchObject({
      code: "DEPENDENCY_MISSING",
      hint: expect.stringContaining(`npm install ${name}`) as string,
    });
  });

  it("runs the command line: help, devices, and a doctor that says what is missing", async () => {
    const help = await project.cli("--help");
    expect(help).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Commands:") as string,
    });
    const devices = await project.cli("devices");
    expect(devices).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("raspberry-pi-5") as string,
    });
    const doctor = await project.cli("doctor");
    expect(doctor).toMatchObject({
      status: 6,
      stdout: expect.stringContaining("npm install sharp") as string,
    });
  });
});
