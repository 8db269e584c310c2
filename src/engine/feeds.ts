import { EdgeDistillError } from "../base/index.js";
import { arrayConstructor, elementCount, type HostTensor } from "../tensor/index.js";
import type { TensorInfo } from "./engine.js";

function feedError(
  message: string,
  hint: string,
  details: Readonly<Record<string, unknown>>,
): EdgeDistillError {
  return new EdgeDistillError("ENGINE_FEED", message, { hint, details });
}

function describe(dtype: string, dims: readonly (number | string)[]): string {
  return `${dtype} [${dims.join(", ")}]`;
}

/** Rank 0 also stands for "shape not declared": ONNX Runtime does not tell them apart, so it checks those itself. */
function dimsFit(actual: readonly number[], expected: readonly (number | string)[]): boolean {
  if (expected.length === 0) return true;
  return (
    actual.length === expected.length &&
    expected.every((dim, axis) => typeof dim === "string" || dim === actual[axis])
  );
}

function arrayFits({ dtype, data }: HostTensor): boolean {
  return dtype === "string" ? Array.isArray(data) : data instanceof arrayConstructor(dtype);
}

/**
 * Compares feeds and wanted outputs with what the model declares: every input there, none besides, element type,
 * fixed dimensions, and data that fills the shape.
 * @param model name of the model, for the message
 * @throws ENGINE_FEED naming the tensor, what it should be and what it is
 */
export function checkFeeds(
  model: string,
  session: { inputs: readonly TensorInfo[]; outputs: readonly TensorInfo[] },
  feeds: Readonly<Record<string, HostTensor>>,
  outputs: readonly string[] | undefined,
): void {
  const names = session.inputs.map((input) => input.name);
  for (const name of Object.keys(feeds))
    if (!names.includes(name))
      throw feedError(
        `${model} has no input "${name}"; its inputs are ${names.map((n) => `"${n}"`).join(", ") || "none"}`,
        "Feed the inputs by the names the model gives them.",
        { model, input: name, inputs: names },
      );
  for (const { name, dtype, dims } of session.inputs) {
    const feed = feeds[name];
    const expected = describe(dtype, dims);
    if (feed === undefined)
      throw feedError(
        `${model}: input "${name}" (${expected}) is missing`,
        "Feed every input of the model.",
        {
          model,
          input: name,
          expected,
        },
      );
    const actual = describe(feed.dtype, feed.dims);
    const details = { model, input: name, expected, actual };
    if (feed.dtype !== dtype || !dimsFit(feed.dims, dims))
      throw feedError(
        `${model}: input "${name}" should be ${expected}, got ${actual}`,
        "Feed the declared type and shape, or export the model for this shape.",
        details,
      );
    if (!arrayFits(feed) || feed.data.length !== elementCount(feed.dims))
      throw feedError(
        `${model}: input "${name}" is declared ${actual} but holds ${String(feed.data.length)} elements in a ${feed.data.constructor.name}`,
        "Make the data fill the shape; a buffer that was transferred in an earlier run is empty.",
        details,
      );
  }
  const known = session.outputs.map((output) => output.name);
  for (const name of outputs ?? [])
    if (!known.includes(name))
      throw feedError(
        `${model} has no output "${name}"; its outputs are ${known.map((n) => `"${n}"`).join(", ")}`,
        "Ask for outputs by the names the model gives them.",
        { model, output: name, outputs: known },
      );
}
