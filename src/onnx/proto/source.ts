import { EdgeDistillError } from "../../base/index.js";

/** Where the bytes being read come from, for errors and for external data. */
export interface Source {
  /** File name, or what the caller calls the bytes. */
  readonly name: string;
  /** Reads the content of a tensor that lies outside the file; `what` names the tensor. */
  external(entries: ReadonlyMap<string, string>, what: string): Uint8Array;
}

/** Damaged content: the file, the place, the cure. */
export function corrupt(
  source: Pick<Source, "name">,
  fact: string,
  cause?: unknown,
): EdgeDistillError {
  return new EdgeDistillError(
    "ONNX_CORRUPT",
    `${source.name} is damaged or not an ONNX file: ${fact}`,
    {
      hint: "Download or export the file again.",
      details: { file: source.name },
      cause,
    },
  );
}

/** Valid ONNX that the house does not handle. */
export function unsupported(
  source: Pick<Source, "name">,
  fact: string,
  hint: string,
): EdgeDistillError {
  return new EdgeDistillError("ONNX_UNSUPPORTED", `${source.name} uses ${fact}`, {
    hint,
    details: { file: source.name },
  });
}

/** A graph that contradicts itself. */
export function invalid(
  source: Pick<Source, "name">,
  fact: string,
  details: Record<string, unknown> = {},
): EdgeDistillError {
  return new EdgeDistillError("ONNX_INVALID_GRAPH", `${source.name}: ${fact}`, {
    hint: "Export the model again, or repair it with the tool that wrote it.",
    details: { file: source.name, ...details },
  });
}
