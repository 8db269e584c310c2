import { createServer, type Socket } from "node:net";
import { dependencyError, EdgeDistillError, errorMessage, isSystemError } from "../base/index.js";

/** A broker inside this process, for the demo and for trying out. MQTT 3.1.1; nothing survives the process. */
export interface EmbeddedBroker extends AsyncDisposable {
  /** `mqtt://127.0.0.1:PORT` */
  url: string;
  port: number;
  /** Cuts the connection of every client, without a word. @returns how many there were */
  dropConnections(): number;
  close(): Promise<void>;
}

/**
 * Starts aedes on a TCP port.
 * @throws DEPENDENCY_MISSING, STREAM_UNREACHABLE when the port cannot be had
 */
export async function startEmbeddedBroker({
  port = 0,
  host = "127.0.0.1",
}: { port?: number; host?: string } = {}): Promise<EmbeddedBroker> {
  const { Aedes } = await import("aedes").catch((error: unknown) => {
    throw dependencyError("aedes", "the embedded broker", error);
  });
  // A consumer that works on a message for a minute is slow, not dead: its keep-alive tells the difference.
  const broker = await Aedes.createBroker({ drainTimeout: 0 });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  }).catch((error: unknown) => {
    broker.close();
    throw new EdgeDistillError(
      "STREAM_UNREACHABLE",
      `The embedded broker cannot listen on ${host}:${port}: ${errorMessage(error)}`,
      {
        hint: isSystemError(error, "EADDRINUSE")
          ? "Choose another port, or 0 for any that is free."
          : "Choose another host or port.",
        details: { host, port },
        cause: error,
      },
    );
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  let closing: Promise<void> | undefined;
  const dropConnections = (): number => {
    const count = sockets.size;
    for (const socket of sockets) socket.resetAndDestroy();
    return count;
  };
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      server.close(() => broker.close(() => resolve()));
      dropConnections();
    }));
  return {
    url: `mqtt://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    dropConnections,
    close,
    [Symbol.asyncDispose]: close,
  };
}
