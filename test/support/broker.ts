import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./requirements.js";

/** A mosquitto of the test's own, on a free loopback port, with persistence on and no bound on its queues. */
export interface Mosquitto extends AsyncDisposable {
  url: string;
  port: number;
  /** Stops the broker with `signal` and starts it again on the same port with the same store. */
  restart(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts mosquitto; ask `requires("mosquitto")` first.
 * @param config further lines for the configuration file
 */
export async function startMosquitto({
  config = [],
}: { config?: readonly string[] } = {}): Promise<Mosquitto> {
  const program = findProgram("mosquitto");
  if (program === undefined) throw new Error("mosquitto is not installed");
  const folder = mkdtempSync(join(tmpdir(), "edge-distill-mosquitto-"));
  const port = await freePort();
  const configFile = join(folder, "mosquitto.conf");
  writeFileSync(
    configFile,
    [
      ...(process.getuid?.() === 0 ? ["user root"] : []),
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      // The default of 1000 drops messages for a consumer that is away.
      "max_queued_messages 0",
      "persistence true",
      `persistence_location ${folder}/`,
      "log_dest stderr",
      ...config,
      "",
    ].join("\n"),
  );
  let child = await launch(program, configFile, port);
  const kill = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await gone;
  };
  const stop = async (): Promise<void> => {
    await kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    restart: async (signal = "SIGTERM") => {
      await kill(signal);
      child = await launch(program, configFile, port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function launch(program: string, configFile: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ["-c", configFile], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}:\n${log}`);
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`mosquitto did not open port ${port}:\n${log}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A port nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}
