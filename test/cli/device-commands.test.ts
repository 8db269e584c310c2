import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { run } from "./run.js";

const ids = readdirSync("devices").map((file) => file.replace(/\.json$/, ""));

it("lists every profile and marks this machine's", async () => {
  const { status, stdout } = await run(["devices"]);
  expect(status).toBe(0);
  for (const id of ids) expect(stdout).toContain(id);
  expect(stdout.match(/^\* [a-z]/gm)).toHaveLength(2);
});

it.each(ids)("shows %s with its sources", async (id) => {
  const { status, stdout } = await run(["devices", id]);
  expect(status).toBe(0);
  expect(stdout).toContain("https://");
});

it("names the known ones when asked for another", async () => {
  const { status, stderr } = await run(["devices", "toaster"]);
  expect(status).toBe(2);
  expect(stderr).toContain("raspberry-pi-5");
});

it("doctor finds a working engine and image library here", async () => {
  const { status, stdout } = await run(["doctor", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, profile: expect.any(String) as string });
  expect(status).toBe(0);
});
