import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("./slow-command.ts", import.meta.url));

/** Starts the slow command and sends Ctrl-C each time `marks` appears on its stderr. */
async function interrupt(
  args: string[],
  marks: string[],
): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", script, "slow", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    while (marks[0] !== undefined && stderr.includes(marks[0])) {
      marks.shift();
      child.kill("SIGINT");
    }
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stderr };
}

describe.skipIf(process.platform === "win32")("Ctrl-C", () => {
  it("stops the command, which exits 130 with a hint", async () => {
    const { status, stderr } = await interrupt([], ["ready"]);
    expect(status).toBe(130);
    expect(stderr).toContain("error INTERRUPTED");
    expect(stderr).toContain("hint: Run the same command again");
  });

  it("a second time ends a command that does not listen", async () => {
    const { status, stderr } = await interrupt(["--deaf"], ["ready", "Press Ctrl-C again"]);
    expect(status).toBe(130);
    expect(stderr).not.toContain("error INTERRUPTED");
  });
});
