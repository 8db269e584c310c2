import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConsumer } from "../../src/consumer/index.js";
import { startEmbeddedBroker, type EmbeddedBroker } from "../../src/stream/index.js";
import { requires } from "../support/requirements.js";
import { frame, openTestPublisher, sequences, take } from "../support/stream.js";

const available = requires("openssl");

describe.skipIf(!available)("TLS", () => {
  let folder: string;
  let broker: EmbeddedBroker;
  let server: Server;
  let url: string;
  const file = (name: string): string => join(folder, name);
  const pem = (name: string): string => readFileSync(file(name), "utf8");

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "edge-distill-tls-"));
    const openssl = (...args: string[]): void => {
      execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
    };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-subj",
      "/CN=test-ca",
      "-days",
      "2",
    );
    writeFileSync(file("names.cnf"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    for (const name of ["broker", "device"]) {
      openssl(
        "req",
        ...key,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        "-subj",
        `/CN=${name}`,
      );
      const sign = [
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names.cnf",
      ];
      openssl("x509", "-req", "-in", `${name}.csr`, ...sign, "-out", `${name}.crt`);
    }
    broker = await startEmbeddedBroker();
    server = createServer(
      {
        key: pem("broker.key"),
        cert: pem("broker.crt"),
        ca: pem("ca.crt"),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => {
        const inner = connect(broker.port, "127.0.0.1");
        socket.on("error", () => inner.destroy());
        inner.on("error", () => socket.destroy());
        socket.pipe(inner).pipe(socket);
      },
    );
    server.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `mqtts://localhost:${typeof address === "object" && address !== null ? address.port : 0}`;
  });

  afterAll(async () => {
    server.close();
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("carries messages with the CA and a client certificate given", async () => {
    const tls = { ca: pem("ca.crt"), cert: pem("device.crt"), key: pem("device.key") };
    await using consumer = await openConsumer({ url, tls, kinds: ["detections"] });
    await using publisher = await openTestPublisher(url, { tls });
    await publisher.publishDetections("north", frame(1));
    expect(sequences(await take(consumer, (all) => all.length === 1))).toEqual([1]);
  });

  it("verifies the broker by default, and says what is missing", async () => {
    const tls = { cert: pem("device.crt"), key: pem("device.key") };
    await expect(openTestPublisher(url, { tls, connectTimeoutMs: 500 })).rejects.toMatchObject({
      code: "STREAM_UNREACHABLE",
      hint: expect.stringContaining("tls.ca") as string,
    });
  });

  it("is refused without the client certificate the broker asks for", async () => {
    await expect(
      openTestPublisher(url, { tls: { ca: pem("ca.crt") }, connectTimeoutMs: 500 }),
    ).rejects.toMatchObject({
      code: "STREAM_UNREACHABLE",
    });
  });
});
