import { EdgeDistillError } from "../base/index.js";
import type { HostTensor } from "../tensor/index.js";
import { collectDense, collectYolox } from "./candidates.kernel.js";
import type { Detections } from "./detections.js";

/** Outputs of one run, by name. */
export type OutputTensors = Readonly<Record<string, HostTensor>>;

/** What a decoder has to know about the model besides its outputs. */
export interface DecoderContext {
  classCount: number;
  /** Network input size. */
  widthPx: number;
  heightPx: number;
  /** Candidates below it are not wanted. */
  scoreThreshold: number;
}

/** How one family of models writes its results: outputs → candidates in network px. */
export interface Decoder {
  id: string;
  /** The outputs it reads, in words: name or place, dims, meaning. */
  reads: string;
  /** Whether candidates overlap and want non-maximum suppression. */
  suppress: boolean;
  /** @throws DECODE_SHAPE */
  collect(outputs: OutputTensors, context: DecoderContext): Detections;
}

/** Checks a decoder's form at compile time; put the result into a table to use it. */
export const defineDecoder = (decoder: Decoder): Decoder => decoder;

const YOLOX_STRIDES = [8, 16, 32] as const;

/** Every output form that can be read. */
export const DECODERS: readonly Decoder[] = [
  defineDecoder({
    id: "edge-distill-dense",
    reads:
      "[1, A, 4 + C] float32: xMin, yMin, xMax, yMax in network px, then C class scores in [0, 1]",
    suppress: true,
    collect: (outputs, { classCount, scoreThreshold }) => {
      const { dims, data } = onlyOutput(outputs, "edge-distill-dense", [1, "A", 4 + classCount]);
      return collectDense(data, dims[1] ?? 0, classCount, scoreThreshold);
    },
  }),
  defineDecoder({
    id: "yolox",
    reads:
      "[1, A, 5 + C] float32: cx, cy (cells), log w, log h (strides), objectness, C class scores; strides 8, 16, 32",
    suppress: true,
    collect: (outputs, { classCount, scoreThreshold, widthPx, heightPx }) => {
      const cells = YOLOX_STRIDES.reduce((n, s) => n + (widthPx / s) * (heightPx / s), 0);
      const { data } = onlyOutput(outputs, "yolox", [1, cells, 5 + classCount]);
      return collectYolox(data, classCount, scoreThreshold, widthPx, heightPx, YOLOX_STRIDES);
    },
  }),
];

/** @throws DECODE_UNKNOWN */
export function findDecoder(id: string, decoders: readonly Decoder[] = DECODERS): Decoder {
  const decoder = decoders.find((d) => d.id === id);
  if (decoder === undefined)
    throw new EdgeDistillError("DECODE_UNKNOWN", `There is no decoder "${id}"`, {
      hint: `Use one of ${decoders.map((d) => d.id).join(", ")}.`,
      details: { decoder: id },
    });
  return decoder;
}

/** The model's first float32 output, which must have these dims; a string stands for any size. */
function onlyOutput(
  outputs: OutputTensors,
  decoder: string,
  expected: readonly (number | string)[],
): HostTensor<"float32"> {
  const output = Object.values(outputs).find(
    (t): t is HostTensor<"float32"> => t.dtype === "float32",
  );
  const form = `[${expected.join(", ")}]`;
  if (output === undefined)
    throw new EdgeDistillError(
      "DECODE_SHAPE",
      `Decoder "${decoder}" expects a float32 output ${form}; the model gave ${describe(outputs)}`,
      {
        hint: "Export the model with float32 outputs.",
        details: { decoder, expected },
      },
    );
  const { dims } = output;
  if (
    dims.length !== expected.length ||
    !expected.every((e, i) => typeof e === "string" || e === dims[i])
  )
    throw new EdgeDistillError(
      "DECODE_SHAPE",
      `Decoder "${decoder}" expects an output ${form}; the model gave ${describe(outputs)}`,
      {
        hint: "Check the decoder, the number of classes and the input size against the model.",
        details: { decoder, expected, dims },
      },
    );
  return output;
}

const describe = (outputs: OutputTensors): string =>
  Object.entries(outputs)
    .map(([name, { dtype, dims }]) => `"${name}" ${dtype} [${dims.join(", ")}]`)
    .join(", ") || "no output";
