import { isSystemError } from "../base/index.js";
import { runCli, type CliOptions } from "./main.js";

/**
 * Runs the command line of this process. The first Ctrl-C (or SIGTERM) asks the command to stop and keep what it has;
 * the second ends the process at once. A reader that goes away (`| head`) ends it quietly.
 */
export async function runProcess(options: Pick<CliOptions, "commands"> = {}): Promise<void> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write("\nStopping. Press Ctrl-C again to stop at once.\n");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.stdout.on("error", (error) => {
    if (isSystemError(error, "EPIPE")) process.exit(0);
    throw error;
  });
  // nobody reads the progress any more: the work goes on
  process.stderr.on("error", (error) => {
    if (!isSystemError(error, "EPIPE")) throw error;
  });
  process.exitCode = await runCli(process.argv.slice(2), {
    ...options,
    signal: controller.signal,
  });
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
}
