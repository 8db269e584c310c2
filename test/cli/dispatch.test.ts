import { describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import { defineCommand, type Command } from "../../src/cli/command.js";
import { COMMANDS } from "../../src/cli/commands.js";
import { run } from "./run.js";

describe("usage", () => {
  it("lists exactly the commands that are there", async () => {
    const { status, stdout } = await run(["--help"]);
    expect(status).toBe(0);
    for (const name of Object.keys(COMMANDS))
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });

  it.each(Object.entries(COMMANDS))(
    "%s has a help with its flags and an example",
    async (name, entry) => {
      const { default: command } = await entry.load();
      const { status, stdout } = await run([name, "--help"]);
      expect(status).toBe(0);
      expect(command.name).toBe(name);
      for (const flag of Object.keys(command.options)) expect(stdout).toContain(`--${flag}`);
      expect(command.example.some((line) => line.startsWith(`edge-distill ${name}`))).toBe(true);
      for (const line of command.example) expect(stdout).toContain(line);
    },
  );

  it("prints the package's version", async () => {
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [[], ""],
    [["vreify"], "Did you mean: edge-distill verify?"],
    [["--json"], "before the command"],
    [["keys", "--uot", "x"], "Did you mean --out?"],
    [["keys", "--out"], "--out needs a value: NAME"],
    [["keys", "--out", "--json"], "--out needs a value"],
    [["keys", "--json=yes"], "takes no value"],
    [["keys", "extra"], 'takes no argument "extra"'],
    [["verify", "bundle"], "needs --key FILE"],
    [["verify", "--key", "k"], "needs BUNDLE"],
  ])("%j exits 2 and says what is wrong", async (argv, words) => {
    const { status, stdout, stderr } = await run(argv);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain(words);
  });
});

/** A program with one command that ends as told. */
function program(end: () => Promise<number | undefined>): {
  commands: Record<string, { description: string; load(): Promise<{ default: Command }> }>;
} {
  const command = defineCommand({
    name: "act",
    description: "Acts",
    example: ["edge-distill act"],
    options: {
      count: {
        type: "number",
        value: "N",
        description: "How often",
        default: 3,
        integer: true,
        min: 1,
        max: 9,
      },
      colour: { type: "string", value: "C", description: "Which", choices: ["red", "blue"] },
      tag: { type: "string", value: "T", description: "Tags", multiple: true },
    },
    async run(args, { result, onProgress }) {
      onProgress({ stage: "acting", fraction: 0.5 });
      const status = await end();
      result("done", args);
      return status;
    },
  });
  return {
    commands: { act: { description: "Acts", load: () => Promise.resolve({ default: command }) } },
  };
}

const fine = program(() => Promise.resolve(undefined));

describe("results", () => {
  it("go to stdout, progress to stderr", async () => {
    const { status, stdout, stderr } = await run(["act"], fine);
    expect(status).toBe(0);
    expect(stdout).toBe("done\n");
    expect(stderr).toBe("acting   50 %\n");
  });

  it("are one JSON line with --json, and carry typed arguments", async () => {
    const { stdout } = await run(["act", "--json", "--count=5", "--tag", "a", "--tag", "b"], fine);
    expect(JSON.parse(stdout)).toMatchObject({ count: 5, tag: ["a", "b"] });
    expect(stdout.trimEnd()).not.toContain("\n");
  });

  it.each([
    [["--count", "two"], "a whole number"],
    [["--count", "1.5"], "a whole number"],
    [["--count", "10"], "from 1 to 9"],
    [["--colour", "green"], "one of red, blue"],
  ])("are refused for %j", async (flags, words) => {
    const { status, stderr } = await run(["act", ...flags], fine);
    expect(status).toBe(2);
    expect(stderr).toContain(words);
  });

  it("may set the exit status", async () => {
    expect(
      (
        await run(
          ["act"],
          program(() => Promise.resolve(6)),
        )
      ).status,
    ).toBe(6);
  });
});

describe("errors", () => {
  const full = program(() =>
    Promise.reject(
      new EdgeDistillError("IO_DISK_FULL", "No space left while writing x", {
        hint: "Free some.",
        details: { path: "x" },
      }),
    ),
  );
  const broken = program(() =>
    Promise.reject(new TypeError("x is not a function", { cause: new Error("root") })),
  );

  it("show code, message and hint, and exit with the code's status", async () => {
    const { status, stdout, stderr } = await run(["act"], full);
    expect(status).toBe(8);
    expect(stdout).toBe("");
    expect(stderr).toContain(
      "error IO_DISK_FULL: No space left while writing x\nhint: Free some.\n",
    );
    expect(stderr).not.toContain("at ");
  });

  it("are one JSON line with --json", async () => {
    const { status, stdout } = await run(["act", "--json"], full);
    expect(status).toBe(8);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "IO_DISK_FULL",
        message: "No space left while writing x",
        hint: "Free some.",
        details: { path: "x" },
      },
    });
  });

  it("that nobody foresaw are defects, with the stack of each cause under --verbose", async () => {
    const plain = await run(["act"], broken);
    expect(plain.status).toBe(1);
    expect(plain.stderr).toContain("error INTERNAL: Unexpected failure: x is not a function");
    expect(plain.stderr).toContain("report");
    const verbose = await run(["act", "--verbose"], broken);
    expect(verbose.stderr).toMatch(/TypeError: x is not a function\n\s+at /);
    expect(verbose.stderr).toContain("Error: root");
  });
});
