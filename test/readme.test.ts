import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { COMMANDS } from "../src/cli/commands.js";

const readme = readFileSync("README.md", "utf8");

it("shows the examples as they are, so that what one copies compiles", () => {
  const shown = [...readme.matchAll(/<!-- (examples\/\S+) -->\n```ts\n([\s\S]*?)```/g)];
  expect(shown.length).toBeGreaterThanOrEqual(2);
  for (const [, path = "", text] of shown) expect(readFileSync(path, "utf8"), path).toBe(text);
});

it("has a line for each command, and for no other", () => {
  const listed = [...readme.matchAll(/^\| `edge-distill ([a-z]+)`/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(Object.keys(COMMANDS).sort());
});

it("shows each of the package's doors", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<string, unknown>;
  };
  for (const door of Object.keys(exports))
    expect(readme).toContain(`\`edge-distill${door.slice(1)}\``);
});
