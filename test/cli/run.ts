import { runCli, type CliOptions } from "../../src/cli/main.js";

export interface CliRun {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, with both streams captured. */
export async function run(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const written = { stdout: "", stderr: "" };
  const status = await runCli(argv, {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    ...options,
  });
  return { status, ...written };
}
