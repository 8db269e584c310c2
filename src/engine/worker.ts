import { parentPort } from "node:worker_threads";
import { EdgeDistillError, errorMessage } from "../base/index.js";
import { loadOrt } from "./ort.js";
import { OrtSession } from "./ort-session.js";
import {
  transferList,
  type WorkerAnswerMessage,
  type WorkerAnswers,
  type WorkerRequest,
  type WorkerRequestMessage,
} from "./protocol.js";

/** The worker side of the worker engine: one request at a time, so that no session is freed under a run. */
const sessions = new Map<number, OrtSession>();

function sessionOf(id: number): OrtSession {
  const session = sessions.get(id);
  if (session === undefined)
    throw new EdgeDistillError("ENGINE_CLOSED", `Session ${String(id)} is not open in this worker`);
  return session;
}

async function serve(request: WorkerRequest): Promise<WorkerAnswers[keyof WorkerAnswers]> {
  switch (request.kind) {
    case "open":
      return { version: (await loadOrt()).env.versions.node ?? "" };
    case "create": {
      const session = await OrtSession.create(request.model, request.options);
      sessions.set(request.session, session);
      return session.facts;
    }
    case "run":
      return sessionOf(request.session).run(request.feeds, request.outputs);
    case "release": {
      const session = sessions.get(request.session);
      sessions.delete(request.session);
      await session?.release();
      return null;
    }
    case "close":
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      return null;
  }
}

async function answer({ id, request }: WorkerRequestMessage): Promise<void> {
  let message: WorkerAnswerMessage;
  let transferred: ArrayBuffer[] = [];
  try {
    const value = await serve(request);
    message = { id, value };
    if (request.kind === "run") transferred = transferList(value as WorkerAnswers["run"]);
  } catch (error) {
    const known =
      error instanceof EdgeDistillError
        ? error
        : new EdgeDistillError("ENGINE_RUN", errorMessage(error), { cause: error });
    message = { id, error: known.toJSON() };
  }
  parentPort?.postMessage(message, transferred);
  if (request.kind === "close") parentPort?.close();
}

let tail = Promise.resolve();
parentPort?.on("message", (message: WorkerRequestMessage) => {
  tail = tail.then(() => answer(message));
});
