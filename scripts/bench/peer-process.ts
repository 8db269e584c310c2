import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PeerReady, PeerRequest, Round } from "./peers/protocol.js";

/** One competitor in a process of its own, so that nobody's settings or threads touch another's. */
export class PeerProcess {
  readonly ready: PeerReady;
  readonly rounds: Round[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: PeerReady) {
    this.#child = child;
    this.ready = ready;
  }

  /** @param name file below `peers/`, without extension */
  static async start(name: string, args: readonly string[]): Promise<PeerProcess> {
    const file = fileURLToPath(new URL(`./peers/${name}.ts`, import.meta.url));
    const child = fork(file, args, { execArgv: ["--import", "tsx"] });
    return new PeerProcess(child, (await answerOf(child)) as PeerReady);
  }

  /** One round over the images; `keep: false` for a warm-up. */
  async round(images: readonly string[], { keep = true } = {}): Promise<Round> {
    this.#child.send({ images } satisfies PeerRequest);
    const round = (await answerOf(this.#child)) as Round;
    if (keep) this.rounds.push(round);
    return round;
  }

  async end(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.send({ end: true } satisfies PeerRequest);
    await gone;
  }
}

/** The next message of a peer; an early end of its process is an error. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (status: number | null): void => {
      reject(new Error(`The peer ended with ${String(status)}`));
    };
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message);
    });
  });
}
