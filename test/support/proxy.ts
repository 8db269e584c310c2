import { connect, createServer, type Socket } from "node:net";

/** A TCP relay that can fail like a network does. */
export interface Proxy extends AsyncDisposable {
  port: number;
  /** `mqtt://127.0.0.1:PORT` */
  url: string;
  /** Resets every connection now; new ones are let through. @returns how many there were */
  cut(): number;
  /** While false, connections are reset on arrival. */
  setOpen(open: boolean): void;
  close(): Promise<void>;
}

/** Relays a free loopback port to `targetPort`. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<{ inner: Socket; outer: Socket }>();
  let open = true;
  const server = createServer((outer) => {
    if (!open) {
      outer.on("error", () => undefined);
      outer.resetAndDestroy();
      return;
    }
    const inner = connect(targetPort, "127.0.0.1");
    const pair = { inner, outer };
    pairs.add(pair);
    const drop = (): void => {
      pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of [inner, outer]) {
      socket.on("error", drop);
      socket.on("close", drop);
    }
    inner.pipe(outer);
    outer.pipe(inner);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): number => {
    const count = pairs.size;
    for (const { inner, outer } of pairs) {
      outer.resetAndDestroy();
      inner.resetAndDestroy();
    }
    return count;
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      cut();
    });
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    cut,
    setOpen: (value) => {
      open = value;
      if (!value) cut();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
