import { EdgeDistillError } from "../base/index.js";
import { UNIT_PIXELS } from "../distill/index.js";
import { IMAGENET_NORMALIZATION, inputSpec, type InputSpec } from "../image/index.js";
import { loadModel, type Model } from "../onnx/index.js";
import type { JobConfig } from "./config.js";

/**
 * Name, size and layout of a model's only image input, as the file declares them.
 * @throws CONFIG_INVALID when the size is free
 */
export function modelInputSpec(
  { graph }: Model,
  where: string,
  given: {
    layout?: "nchw" | "nhwc" | undefined;
    widthPx?: number | undefined;
    heightPx?: number | undefined;
  } = {},
): { name: string; size: Pick<InputSpec, "layout" | "widthPx" | "heightPx"> } {
  const input = graph.inputs.find((v) => !v.initializer);
  const dims = input?.dims ?? [];
  const layout = given.layout ?? (dims[3] === 3 ? "nhwc" : "nchw");
  const heightPx = given.heightPx ?? dims[layout === "nhwc" ? 1 : 2];
  const widthPx = given.widthPx ?? dims[layout === "nhwc" ? 2 : 3];
  if (!input || typeof widthPx !== "number" || typeof heightPx !== "number")
    throw new EdgeDistillError(
      "CONFIG_INVALID",
      `${where} does not say what size its input image has`,
      {
        hint: 'Export it with a fixed size, or (for a teacher) set "teacher.input.widthPx" and "heightPx" in the config.',
        details: { path: where, dims },
      },
    );
  return { name: input.name, size: { layout, widthPx, heightPx } };
}

/**
 * Loads the user's teacher and settles how it wants its pixels: as the config says, else as the file's metadata does, else
 * as networks of everyday photos do.
 * @throws CONFIG_INVALID when its input size is unknown
 */
export async function loadTeacher(
  path: string,
  given: JobConfig["teacher"]["input"] = {},
): Promise<{ model: Model; input: InputSpec }> {
  const model = await loadModel(path);
  const { size } = modelInputSpec(model, path, given);
  const stated = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<InputSpec>;
  const own = model.metadata.get("pixels") === UNIT_PIXELS ? {} : IMAGENET_NORMALIZATION;
  return { model, input: inputSpec({ ...own, ...stated, ...size }) };
}
