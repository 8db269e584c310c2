import type { Worker } from "node:worker_threads";
import { EdgeDistillError, errorMessage, startWorker } from "../base/index.js";
import type { WorkerAnswerMessage, WorkerAnswers, WorkerRequest } from "./protocol.js";

interface Pending {
  resolve(value: WorkerAnswers[keyof WorkerAnswers]): void;
  reject(error: EdgeDistillError): void;
}

/** One worker of the worker engine: requests out, answers in, and a crash that nobody has to wait for. */
export class WorkerThread {
  /** Requests sent and not yet answered. */
  get pending(): number {
    return this.#pending.size;
  }
  /** Why the worker is gone. */
  get crash(): EdgeDistillError | undefined {
    return this.#crash;
  }

  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #gone: Promise<void>;
  #crash: EdgeDistillError | undefined;
  #nextId = 1;
  #closing = false;

  constructor({ maxHeapMiB, onCrash }: { maxHeapMiB: number | undefined; onCrash: () => void }) {
    this.#worker = startWorker("engine/worker", {
      name: "edge-distill engine",
      ...(maxHeapMiB === undefined
        ? {}
        : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB } }),
    });
    this.#worker.on("message", (message: WorkerAnswerMessage) => {
      this.#onAnswer(message);
    });
    let cause: unknown;
    this.#worker.on("error", (error: unknown) => (cause = error));
    this.#gone = new Promise((resolve) => {
      this.#worker.on("exit", (exitCode) => {
        if (!this.#closing || this.#pending.size > 0) {
          this.#crash = crashError(exitCode, cause);
          for (const { reject } of this.#pending.values()) reject(this.#crash);
          this.#pending.clear();
          onCrash();
        }
        resolve();
      });
    });
    this.#worker.unref();
  }

  /** Sends a request; the process stays alive until it is answered. @throws ENGINE_CRASHED and the worker's errors */
  ask<K extends WorkerRequest["kind"]>(
    request: Extract<WorkerRequest, { kind: K }>,
    transferred: ArrayBuffer[] = [],
  ): Promise<WorkerAnswers[K]> {
    return new Promise((resolve, reject) => {
      if (this.#crash !== undefined) {
        reject(this.#crash);
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, {
        resolve: (value) => {
          resolve(value as WorkerAnswers[K]);
        },
        reject,
      });
      this.#worker.ref();
      this.#worker.postMessage({ id, request }, transferred);
    });
  }

  /** Frees the sessions and ends the thread, after what is under way. */
  async close(): Promise<void> {
    if (this.#crash !== undefined) return;
    const answered = this.ask({ kind: "close" });
    this.#closing = true;
    try {
      await answered;
    } finally {
      this.#worker.ref();
      await this.#gone;
    }
  }

  #onAnswer(message: WorkerAnswerMessage): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ("error" in message) pending?.reject(EdgeDistillError.fromJSON(message.error));
    else pending?.resolve(message.value);
  }
}

function crashError(exitCode: number, cause: unknown): EdgeDistillError {
  const why = cause === undefined ? `it exited with ${String(exitCode)}` : errorMessage(cause);
  return new EdgeDistillError("ENGINE_CRASHED", `An engine worker is gone: ${why}`, {
    hint: "Open a new engine; if it happens again, give the worker more memory (maxHeapMiB).",
    details: { exitCode },
    cause,
  });
}
