import { availableParallelism } from "node:os";
import { EdgeDistillError } from "../base/index.js";
import type { Engine, EngineSession } from "../engine/index.js";
import { scalar, type HostTensor } from "../tensor/index.js";
import {
  initialState,
  weightsOf,
  type TrainingState,
  type TrainingStep,
  type Weights,
} from "./training-step.js";

/** Metrics of one step, `loss` and `gradientNorm` among them. */
export type StepMetrics = Readonly<Record<string, number>>;

export interface TrainerOptions {
  engine: Engine;
  /** Threads inside one operator. Default: one a core. */
  threads?: number;
  seed?: number | string;
  /** Weights to start from where name and shape agree. */
  from?: Weights;
  /** State to go on from, exactly. */
  resume?: { state: TrainingState; stepIndex: number };
}

/**
 * Runs a training step over and over. The state goes from one run's outputs into the next one's inputs by changing
 * hands, never through a loop in JavaScript; with a worker engine the caller's thread stays free.
 */
export class Trainer implements AsyncDisposable {
  readonly step: TrainingStep;
  readonly #session: EngineSession;
  #state: TrainingState;
  #stepIndex: number;
  #running = false;

  private constructor(
    step: TrainingStep,
    session: EngineSession,
    state: TrainingState,
    stepIndex: number,
  ) {
    this.step = step;
    this.#session = session;
    this.#state = state;
    this.#stepIndex = stepIndex;
  }

  static async open(
    step: TrainingStep,
    { engine, threads = availableParallelism(), seed = 0, from, resume }: TrainerOptions,
  ): Promise<Trainer> {
    const session = await engine.createSession(step.model, {
      intraOpThreads: threads,
      enableMemPattern: false,
      // the caller's thread prepares the next batch meanwhile, and CPU seconds count work only
      spinning: false,
      name: "training step",
    });
    const state = resume?.state ?? initialState(step, { seed, ...(from ? { from } : {}) });
    return new Trainer(step, session, state, resume?.stepIndex ?? 0);
  }

  /** Steps made so far. */
  get stepIndex(): number {
    return this.#stepIndex;
  }

  /** The state after the last finished step; valid until the next `run`. */
  get state(): TrainingState {
    return this.#state;
  }

  /** Goes on from another state of the same step. */
  load({ state, stepIndex }: { state: TrainingState; stepIndex: number }): void {
    this.#state = state;
    this.#stepIndex = stepIndex;
  }

  /**
   * One optimizer step. The feeds' buffers change hands: they are empty afterwards.
   * @throws TRAIN_DIVERGED when a metric is not finite, naming it and the first parameter hit; the state before the step
   * is lost then
   */
  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    learningRate: number,
  ): Promise<StepMetrics> {
    if (this.#running)
      throw new EdgeDistillError(
        "INTERNAL",
        "A training step was started before the last one ended",
      );
    this.#running = true;
    try {
      const out = await this.#session.run(
        {
          ...feeds,
          ...this.#state,
          stepIndex: scalar(this.#stepIndex),
          learningRate: scalar(learningRate),
        },
        { transfer: true },
      );
      const next: TrainingState = {};
      for (const name of this.step.state) next[name] = out[`next.${name}`] as HostTensor<"float32">;
      this.#state = next;
      this.#stepIndex++;
      const metrics = Object.fromEntries(
        this.step.metrics.map((name) => [
          name,
          Number((out[name] as HostTensor<"float32">).data[0]),
        ]),
      );
      const broken = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
      if (broken) throw this.#divergedError(broken, metrics);
      return metrics;
    } finally {
      this.#running = false;
    }
  }

  #divergedError([name, value]: [string, number], metrics: StepMetrics): EdgeDistillError {
    const hit = [...weightsOf(this.step, this.#state, { averaged: false })].find(([, { data }]) =>
      data.some((v) => !Number.isFinite(v)),
    )?.[0];
    const step = this.#stepIndex;
    return new EdgeDistillError(
      "TRAIN_DIVERGED",
      `Training diverged at step ${String(step)}: ${name} is ${String(value)}${hit === undefined ? "" : `, and so is the weight "${hit}"`}`,
      {
        hint: "Lower the learning rate, or resume from the last checkpoint.",
        details: { step, metric: name, weight: hit, metrics },
      },
    );
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
