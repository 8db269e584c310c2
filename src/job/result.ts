import type { StreamResult } from "./stream-stage.js";

/** One quantized (or not) form of the student. */
export interface VariantResult {
  name: string;
  precision: "fp32" | "fp16" | "int8";
  target: "ort-cpu" | "tensorrt" | "any";
  bytes: number;
  /** Mean average precision on the held-out images, at the job's IoU threshold. */
  map50: number;
  /** Median of one image; null where this machine is not the target. */
  ms: number | null;
  /** Convolutions executed as integers, and all. */
  integerConvs: [number, number];
  integerMacShare: number;
  audited: boolean;
}

/** What a job ends with: the JSON line. `map50` is at the config's IoU threshold, 0.5 unless told otherwise. */
export interface JobResult {
  teacher: { name: string; params: number | null; map50: number | null; cpuSeconds: number | null };
  student: { params: number; map50: number; cpuSeconds: number };
  scratch: { map50: number; cpuSeconds: number } | null;
  /** Threshold and connected components, where the images are rendered. */
  baseline: { map50: number } | null;
  variants: readonly VariantResult[];
  /** Null where the stream failed; the job ends in its error then. */
  stream: StreamResult | null;
  iouThreshold: number;
  seconds: number;
  stageSeconds: Readonly<Record<string, number>>;
  files: { folder: string; report: string; bundle: string };
}
