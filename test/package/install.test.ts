import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installTarball, type Project } from "./project.js";

let project: Project;
beforeAll(async () => {
  project = await installTarball();
}, 600_000);
afterAll(() => {
  // Undefined when it could not be installed.
  (project as Project | undefined)?.remove();
});

describe("installed into an empty project", () => {
  it("runs models and reads images: the built package finds its workers and native libraries", async () => {
    const { status, stdout } = await project.cli("doctor", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(status).toBe(0);
  });

  it("signs and verifies a bundle key pair from the command line", async () => {
    expect((await project.cli("keys", "--out", "signing")).status).toBe(0);
    expect((await project.cli("keys", "--out", "signing")).status).toBe(5);
  });
});
