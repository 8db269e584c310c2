import { EdgeDistillError } from "../base/index.js";
import { defaultOpset, type Model, type Node } from "../onnx/index.js";
import { int64 } from "../tensor/index.js";

/** The first opset with a scale per channel in QuantizeLinear and DequantizeLinear. */
export const MINIMUM_OPSET = 13;
/** The oldest opset whose models are converted. */
export const OLDEST_CONVERTIBLE_OPSET = 11;

function refuse(model: Model, node: Node | undefined, why: string): EdgeDistillError {
  const from = defaultOpset(model);
  const place = node ? ` at node "${node.name}" (${node.op})` : "";
  return new EdgeDistillError(
    "QUANTIZE_OPSET",
    `The model is of opset ${String(from)}, int8 weights per channel need opset ${String(MINIMUM_OPSET)}, and it cannot be converted${place}: ${why}`,
    {
      hint: `Export the model again with opset ${String(MINIMUM_OPSET)} or later.`,
      details: {
        opset: from,
        needs: MINIMUM_OPSET,
        ...(node ? { node: node.name, op: node.op } : {}),
      },
    },
  );
}

/** Ops whose attribute became input `index` at opset 13. */
const ATTRIBUTE_TO_INPUT: Readonly<Record<string, { attribute: string; index: number }>> = {
  Squeeze: { attribute: "axes", index: 1 },
  Unsqueeze: { attribute: "axes", index: 1 },
  ReduceSum: { attribute: "axes", index: 1 },
  Split: { attribute: "split", index: 1 },
};

/** Ops that flattened to two dimensions around `axis` (default 1) before opset 13, and look along one axis since. */
const FLATTENING = ["Softmax", "LogSoftmax", "Hardmax"];

/**
 * Brings a model of opset 11 or 12 to 13, in place; later ones stay as they are. Only what changed between them is
 * rewritten: axes that became inputs, the meaning of Softmax's axis, Dropout's attributes.
 * @throws QUANTIZE_OPSET naming both versions when the model is older or a node has no equal form
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
export function raiseOpset(model: Model): void {
  const from = defaultOpset(model);
  if (from >= MINIMUM_OPSET) return;
  if (from < OLDEST_CONVERTIBLE_OPSET)
    throw refuse(model, undefined, `only opset ${String(OLDEST_CONVERTIBLE_OPSET)} and later are`);
  const { graph } = model;
  for (const node of graph.nodes) {
    if (node.domain !== "") continue;
    const moved = ATTRIBUTE_TO_INPUT[node.op];
    const values = moved && node.ints(moved.attribute);
    if (moved && values) {
      node.setInput(
        moved.index,
        graph.addInitializer(
          `${node.outputs[0]?.name ?? node.op}_${moved.attribute}`,
          int64(values),
        ),
      );
      node.attributes.delete(moved.attribute);
    }
    if (FLATTENING.includes(node.op)) {
      const rank = node.inputs[0]?.dims?.length;
      const axis = node.int("axis", 1);
      if (rank === undefined) throw refuse(model, node, "the rank of its input is unknown");
      if (axis !== -1 && axis !== rank - 1)
        throw refuse(model, node, "it works on several axes at once");
      node.attributes.set("axis", { type: "int", value: -1 });
    }
    if (node.op === "Dropout") {
      // inference only: the identity, whatever the ratio
      node.attributes.delete("ratio");
    }
    for (const attribute of node.attributes.values())
      if (attribute.type === "graph") throw refuse(model, node, "it holds a graph of its own");
  }
  model.opsets.delete("ai.onnx");
  model.opsets.set("", MINIMUM_OPSET);
  model.irVersion = Math.max(7, model.irVersion);
}
