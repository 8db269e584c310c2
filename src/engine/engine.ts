import type { DType, HostTensor } from "../tensor/index.js";

export type ProviderName = "cpu" | "webgpu" | "cuda" | "tensorrt";

/** An input or output of a model. A string among `dims` is a dimension of free size, by its name. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  dims: readonly (number | string)[];
}

export interface SessionOptions {
  /** Tried in this order; the first that loads the model wins. Default: `["cpu"]`. */
  providers?: readonly ProviderName[];
  /** Threads inside one operator. Default: ONNX Runtime's (all cores); 1 when the engine has several workers. */
  intraOpThreads?: number;
  interOpThreads?: number;
  /**
   * Whether threads spin for a while before they sleep when there is nothing to do. Default: ONNX Runtime's, true: a little
   * faster when nothing else runs, but others wait and CPU seconds count the waiting.
   */
  spinning?: boolean;
  graphOptimization?: "disabled" | "basic" | "extended" | "all";
  /** Where ONNX Runtime writes the graph it really runs. */
  optimizedModelPath?: string;
  enableMemPattern?: boolean;
  enableCpuMemArena?: boolean;
  /** A per-node profile (Chrome trace JSON) is under this name once the session is closed. */
  profilePath?: string;
  /** Session configuration entries by their full key, e.g. `{ "session.disable_cpu_ep_fallback": "1" }`. */
  config?: Readonly<Record<string, string>>;
  /** Name used in errors when the model comes as bytes. */
  name?: string;
}

/** One step of the provider chain. */
export interface ProviderAttempt {
  provider: ProviderName;
  ok: boolean;
  error?: string;
  ms: number;
}

export interface RunOptions {
  /** Outputs wanted. Default: all. */
  outputs?: readonly string[];
  /** A queued run is dropped; one in flight ends unheard. */
  signal?: AbortSignal;
  /** Hand the feeds' buffers over instead of copying them: the caller's arrays are empty afterwards. */
  transfer?: boolean;
}

/** A loaded model. Runs may overlap; the feeds must stay unchanged until `run` resolves. */
export interface EngineSession extends AsyncDisposable {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** The provider that won, and every one tried before it. */
  readonly provider: ProviderName;
  readonly attempts: readonly ProviderAttempt[];
  /** @throws ENGINE_FEED, ENGINE_RUN, ENGINE_CRASHED, ENGINE_CLOSED, INTERRUPTED */
  run(
    feeds: Readonly<Record<string, HostTensor>>,
    options?: RunOptions,
  ): Promise<Record<string, HostTensor>>;
  close(): Promise<void>;
}

/** ONNX Runtime behind one interface. */
export interface Engine extends AsyncDisposable {
  readonly kind: "worker" | "inline";
  /** ONNX Runtime's version. */
  readonly version: string;
  /**
   * @param model a path (external data is found beside it) or the model's bytes
   * @throws IO_NOT_FOUND, ONNX_CORRUPT, ENGINE_LOAD, ENGINE_PROVIDER, ENGINE_CRASHED, ENGINE_CLOSED
   */
  createSession(model: Uint8Array | string, options?: SessionOptions): Promise<EngineSession>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** `worker` leaves the event loop free; `inline` runs in the calling thread, for use inside a worker. */
  kind?: "worker" | "inline";
  /** Worker threads, each with its own copy of every session; runs go to the least busy one. */
  workers?: number;
  /** Limit of each worker's JavaScript heap; models and tensors live outside it. Default: Node's. */
  maxHeapMiB?: number;
}
