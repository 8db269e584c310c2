import type { EngineSession } from "../engine/index.js";
import type { HostTensor } from "../tensor/index.js";

interface Ticket {
  startedNs: bigint;
}

/**
 * Runs of one session, first come, first served. A worker is handed the next run before it has ended the last, so that
 * it never waits for the main thread; when a run began is told by who made way for it.
 */
export class InferenceLane {
  readonly #session: EngineSession;
  readonly #input: string;
  readonly #workers: number;
  #running = 0;
  readonly #line: Ticket[] = [];

  /** @param workers runs that the session's engine makes at the same time */
  constructor(session: EngineSession, workers: number) {
    this.#session = session;
    this.#input = session.inputs[0]?.name ?? "";
    this.#workers = workers;
  }

  /**
   * Takes the tensor's buffer over.
   * @throws ENGINE_FEED, ENGINE_RUN, ENGINE_CRASHED, ENGINE_CLOSED
   */
  async run(
    tensor: HostTensor,
  ): Promise<{ outputs: Record<string, HostTensor>; startedNs: bigint; endedNs: bigint }> {
    const ticket: Ticket = { startedNs: process.hrtime.bigint() };
    if (this.#running < this.#workers) this.#running++;
    else this.#line.push(ticket);
    try {
      const outputs = await this.#session.run({ [this.#input]: tensor }, { transfer: true });
      return { outputs, startedNs: ticket.startedNs, endedNs: process.hrtime.bigint() };
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      else next.startedNs = process.hrtime.bigint();
    }
  }
}
