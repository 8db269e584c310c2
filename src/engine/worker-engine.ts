import { EdgeDistillError, throwIfAborted } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import type { Engine, EngineSession, RunOptions, SessionOptions } from "./engine.js";
import { checkFeeds } from "./feeds.js";
import { closedError } from "./inline-engine.js";
import type { SessionFacts } from "./ort-session.js";
import { postableFeeds } from "./protocol.js";
import { WorkerThread } from "./worker-thread.js";

/** Requests a worker holds at once: one that runs and one ready to follow. The rest waits here, where it can be dropped. */
const MAX_IN_FLIGHT = 2;

interface Job {
  start(thread: WorkerThread): Promise<unknown>;
  reject(error: EdgeDistillError): void;
}

/** ONNX Runtime in worker threads: the event loop stays free, and several workers run side by side. */
export async function openWorkerEngine({
  workers,
  maxHeapMiB,
}: {
  workers: number;
  maxHeapMiB: number | undefined;
}): Promise<Engine> {
  const engine = new WorkerEngine(workers, maxHeapMiB);
  await engine.open();
  return engine;
}

class WorkerEngine implements Engine {
  readonly kind = "worker";
  version = "";
  readonly threads: readonly WorkerThread[];
  readonly #queue: Job[] = [];
  #nextSession = 1;
  #closed = false;

  constructor(workers: number, maxHeapMiB: number | undefined) {
    const onCrash = (): void => {
      this.#dispatch();
    };
    this.threads = Array.from({ length: workers }, () => new WorkerThread({ maxHeapMiB, onCrash }));
  }

  async open(): Promise<void> {
    try {
      const [first] = await Promise.all(this.threads.map((thread) => thread.ask({ kind: "open" })));
      this.version = first?.version ?? "";
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async createSession(
    model: Uint8Array | string,
    options: SessionOptions = {},
  ): Promise<EngineSession> {
    if (this.#closed) throw closedError("The engine");
    const session = this.#nextSession++;
    const alone = this.threads.length === 1;
    const shared = withoutFiles(options);
    const asked = this.threads.map((thread, index) =>
      thread.ask({
        kind: "create",
        session,
        model,
        options: { ...(alone ? {} : { intraOpThreads: 1 }), ...(index === 0 ? options : shared) },
      }),
    );
    const settled = await Promise.allSettled(asked);
    const failed = settled.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      await this.release(session);
      throw failed.reason as EdgeDistillError;
    }
    const [facts] = await Promise.all(asked);
    if (facts === undefined) throw closedError("The engine");
    return new WorkerSession(this, session, facts);
  }

  /** Puts a job in the queue; the least busy worker takes it. */
  submit(job: Job): void {
    this.#queue.push(job);
    this.#dispatch();
  }

  /** Takes a job out of the queue; false when it has started. */
  withdraw(job: Job): boolean {
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  async release(session: number): Promise<void> {
    const alive = this.threads.filter((thread) => thread.crash === undefined);
    await Promise.allSettled(alive.map((thread) => thread.ask({ kind: "release", session })));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(closedError("The engine"));
    await Promise.allSettled(this.threads.map((thread) => thread.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  #dispatch(): void {
    const alive = this.threads.filter((thread) => thread.crash === undefined);
    if (alive.length === 0) {
      const crash = this.threads[0]?.crash ?? closedError("The engine");
      for (const job of this.#queue.splice(0)) job.reject(crash);
      return;
    }
    while (this.#queue.length > 0) {
      const thread = alive.reduce((best, other) => (other.pending < best.pending ? other : best));
      if (thread.pending >= MAX_IN_FLIGHT) return;
      const job = this.#queue.shift();
      void job?.start(thread).finally(() => {
        this.#dispatch();
      });
    }
  }
}

/** Of several workers, only the first writes the files that a session can be asked for. */
function withoutFiles(options: SessionOptions): SessionOptions {
  const shared = { ...options };
  delete shared.profilePath;
  delete shared.optimizedModelPath;
  return shared;
}

class WorkerSession implements EngineSession {
  readonly inputs: EngineSession["inputs"];
  readonly outputs: EngineSession["outputs"];
  readonly provider: EngineSession["provider"];
  readonly attempts: EngineSession["attempts"];
  readonly #engine: WorkerEngine;
  readonly #id: number;
  readonly #name: string;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(engine: WorkerEngine, id: number, facts: SessionFacts) {
    ({
      inputs: this.inputs,
      outputs: this.outputs,
      provider: this.provider,
      attempts: this.attempts,
    } = facts);
    this.#engine = engine;
    this.#id = id;
    this.#name = facts.name;
  }

  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    { outputs, signal, transfer = false }: RunOptions = {},
  ): Promise<Record<string, HostTensor>> {
    if (this.#closing !== undefined || this.#engine.closed)
      throw closedError(`The session of ${this.#name}`);
    throwIfAborted(signal, `running ${this.#name}`);
    checkFeeds(this.#name, this, feeds, outputs);
    const ready = postableFeeds(feeds, { transfer });
    const run = new Promise<Record<string, HostTensor>>((resolve, reject) => {
      const job: Job = {
        reject: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
        start: async (thread) => {
          try {
            const request = { kind: "run" as const, session: this.#id, feeds: ready.feeds };
            resolve(
              await thread.ask(
                outputs === undefined ? request : { ...request, outputs },
                ready.transferred,
              ),
            );
          } catch (error) {
            reject(
              error instanceof Error ? error : new EdgeDistillError("INTERNAL", String(error)),
            );
          } finally {
            signal?.removeEventListener("abort", onAbort);
          }
        },
      };
      const onAbort = (): void => {
        this.#engine.withdraw(job);
        reject(
          new EdgeDistillError("INTERRUPTED", `Interrupted while running ${this.#name}`, {
            hint: "Run the same command again to continue.",
          }),
        );
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#engine.submit(job);
    });
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  /** Waits for the runs under way, then frees the model in every worker. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled([...this.#running]).then(() =>
      this.#engine.closed ? undefined : this.#engine.release(this.#id),
    );
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
