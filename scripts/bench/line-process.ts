import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** A competitor in a process of its own, in any language: one line of JSON in, one line of JSON out. */
export class LineProcess<Ready, Answer> {
  readonly ready: Ready;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, ready: Ready) {
    this.#child = child;
    this.#lines = lines;
    this.ready = ready;
  }

  /** Starts the program and waits for its first line. */
  static async start<Ready, Answer>(
    command: string,
    args: readonly string[],
    { env = {} }: { env?: Readonly<Record<string, string>> } = {},
  ): Promise<LineProcess<Ready, Answer>> {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return new LineProcess(child, lines, (await nextOf(lines, command)) as Ready);
  }

  async ask(request: unknown): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return (await nextOf(this.#lines, this.#child.spawnfile)) as Answer;
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    await gone;
  }
}

async function nextOf(lines: AsyncIterator<string>, command: string): Promise<unknown> {
  const next = await lines.next();
  if (next.done === true) throw new Error(`${command} ended before it answered`);
  return JSON.parse(next.value);
}
