/** What a peer process says of one round over the images; the first message of a peer has no `images`. */
export interface Round {
  seconds: number;
  /** CPU time of all its threads. */
  cpuSeconds: number;
  images: number;
  detections: number;
  /** 99th percentile of how late a timer came, ms. */
  loopDelayP99Ms: number;
  residentMiB: number;
}

export interface PeerReady {
  /** From the start of the process to the first detections, ms. */
  coldStartMs: number;
  versions: Readonly<Record<string, string>>;
}

/** What the benchmark asks of a peer: one round over these images, or to end. */
export type PeerRequest = { images: readonly string[] } | { end: true };
