import { EdgeDistillError, throwIfAborted } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import type { Engine, EngineSession, RunOptions, SessionOptions } from "./engine.js";
import { checkFeeds } from "./feeds.js";
import { loadOrt } from "./ort.js";
import { OrtSession } from "./ort-session.js";

/** ENGINE_CLOSED for a session or an engine. */
export function closedError(what: string): EdgeDistillError {
  return new EdgeDistillError("ENGINE_CLOSED", `${what} is closed`, {
    hint: "Open it again before using it.",
  });
}

/** ONNX Runtime in the calling thread, which is blocked while a model runs. */
export async function openInlineEngine(): Promise<Engine> {
  const ort = await loadOrt();
  const sessions = new Set<InlineSession>();
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    for (const session of [...sessions]) await session.close();
  };
  return {
    kind: "inline",
    version: ort.env.versions.node ?? "",
    async createSession(model: Uint8Array | string, options: SessionOptions = {}) {
      if (closed) throw closedError("The engine");
      const session = new InlineSession(await OrtSession.create(model, options), () =>
        sessions.delete(session),
      );
      sessions.add(session);
      return session;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

class InlineSession implements EngineSession {
  readonly inputs: EngineSession["inputs"];
  readonly outputs: EngineSession["outputs"];
  readonly provider: EngineSession["provider"];
  readonly attempts: EngineSession["attempts"];
  readonly #session: OrtSession;
  readonly #onClose: () => void;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(session: OrtSession, onClose: () => void) {
    ({
      inputs: this.inputs,
      outputs: this.outputs,
      provider: this.provider,
      attempts: this.attempts,
    } = session.facts);
    this.#session = session;
    this.#onClose = onClose;
  }

  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    { outputs, signal }: RunOptions = {},
  ): Promise<Record<string, HostTensor>> {
    const { name } = this.#session.facts;
    if (this.#closed) throw closedError(`The session of ${name}`);
    checkFeeds(name, this, feeds, outputs);
    const result = this.#tail.then(async () => {
      throwIfAborted(signal, `running ${name}`);
      const tensors = await this.#session.run(feeds, outputs);
      throwIfAborted(signal, `running ${name}`);
      return tensors;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    await this.#tail;
    await this.#session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
