import { EdgeDistillError } from "../base/index.js";
import type { LetterboxTransform } from "../image/index.js";
import type { HostTensor } from "../tensor/index.js";
import { collectDense, collectYolox } from "./candidates.kernel.js";
import type { Detections } from "./detections.js";
import { nonMaxSuppression } from "./nms.kernel.js";

/** How a model's outputs are read. */
export interface DecodeSpec {
  /** Key of {@link DECODERS}. */
  decoder: string;
  classCount: number;
  /** Network input size. */
  widthPx: number;
  heightPx: number;
  scoreThreshold?: number;
  iouThreshold?: number;
  maxDetections?: number;
}

/** Turns one image's raw output into candidates in network px. */
export interface Decoder {
  id: string;
  collect(output: HostTensor<"float32">, spec: DecodeSpec & { scoreThreshold: number }): Detections;
}

export const defineDecoder = (decoder: Decoder): Decoder => decoder;

function expectShape({ dims }: HostTensor, expected: readonly (number | string)[], decoder: string): void {
  const fits = dims.length === expected.length && expected.every((e, i) => typeof e === "string" || e === dims[i]);
  if (!fits)
    throw new EdgeDistillError(
      "DECODE_SHAPE",
      `Decoder "${decoder}" expects an output [${expected.join(", ")}], the model gave [${dims.join(", ")}]`,
      { hint: "Check the decoder, the class names and the input size of the bundle.", details: { dims, expected, decoder } },
    );
}

const YOLOX_STRIDES = [8, 16, 32] as const;

/** Every output form that can be read. */
export const DECODERS: readonly Decoder[] = [
  defineDecoder({
    id: "edge-distill-dense",
    collect: (output, { classCount, scoreThreshold }) => {
      expectShape(output, [1, "A", 4 + classCount], "edge-distill-dense");
      return collectDense(output.data, output.dims[1] ?? 0, classCount, scoreThreshold);
    },
  }),
  defineDecoder({
    id: "yolox",
    collect: (output, { classCount, scoreThreshold, widthPx, heightPx }) => {
      const cells = YOLOX_STRIDES.reduce((n, s) => n + (widthPx / s) * (heightPx / s), 0);
      expectShape(output, [1, cells, 5 + classCount], "yolox");
      return collectYolox(output.data, classCount, scoreThreshold, widthPx, heightPx, YOLOX_STRIDES);
    },
  }),
];

/** Network px → source px, clipped to the image, in place of a new array. */
function toSource(d: Detections, t: LetterboxTransform): Detections {
  const boxes = new Float32Array(d.boxes.length);
  for (let i = 0; i < boxes.length; i++) {
    const horizontal = i % 2 === 0;
    const v = ((d.boxes[i] ?? 0) - (horizontal ? t.padXPx : t.padYPx)) / t.scale;
    boxes[i] = Math.min(horizontal ? t.sourceWidthPx : t.sourceHeightPx, Math.max(0, v));
  }
  return { ...d, boxes };
}

/**
 * Model outputs of one image → detections in source px: decode, suppress, undo the letterbox.
 * @param outputs the session's outputs; the first float32 one is read
 * @throws DECODE_SHAPE, DECODE_UNKNOWN
 */
export function decodeDetections(
  outputs: Readonly<Record<string, HostTensor>>,
  spec: DecodeSpec,
  transform: LetterboxTransform,
): Detections {
  const decoder = DECODERS.find(({ id }) => id === spec.decoder);
  if (!decoder)
    throw new EdgeDistillError("DECODE_UNKNOWN", `There is no decoder "${spec.decoder}"`, {
      hint: `Use one of ${DECODERS.map(({ id }) => id).join(", ")}.`,
      details: { decoder: spec.decoder },
    });
  const output = Object.values(outputs).find((t): t is HostTensor<"float32"> => t.dtype === "float32");
  if (!output)
    throw new EdgeDistillError("DECODE_SHAPE", `Decoder "${spec.decoder}" found no float32 output`, {
      hint: "Export the model with float32 outputs.",
    });
  const { scoreThreshold = 0.25, iouThreshold = 0.6, maxDetections = 300 } = spec;
  const candidates = decoder.collect(output, { ...spec, scoreThreshold });
  return toSource(nonMaxSuppression(candidates, { iouThreshold, maxDetections }), transform);
}
