import { int, str, type Value } from "../../onnx/index.js";
import { constantInts, dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";
import { axisOf } from "./shape.js";

/** Ops that repeat elements or pick them one by one, and those that trade channels for pixels. */
export const rearrangeRules: readonly Rule[] = [
  // the copies of an element lie along an axis of their own in front of its axis
  defineRule("Tile", (c) => [
    () => {
      const repeats = constantInts(c.node.inputs[1]) ?? c.fail("its repeats must be constant");
      const apart = dimsOf(c.x()).flatMap((d, i) => [repeats[i] ?? 1, d]);
      const copies = repeats.flatMap((r, i) => (r > 1 ? [2 * i] : []));
      return c.reshape(c.sum(c.reshape(c.dy, apart), copies), dimsOf(c.x()));
    },
  ]),
  defineRule("GatherElements", (c) => [
    () => scatter(c, "ScatterElements", { axis: int(axisOf(c, 0)) }),
    null,
  ]),
  defineRule("GatherND", (c) => [
    () => {
      if (c.node.int("batch_dims", 0) !== 0) c.fail("batch_dims other than 0");
      return scatter(c, "ScatterND", {});
    },
    null,
  ]),
  defineRule("DepthToSpace", (c) => {
    const blocksize = c.node.int("blocksize", 1);
    return [
      () =>
        c.node.string("mode", "DCR") === "CRD"
          ? unshuffle(c, blocksize)
          : c.op("SpaceToDepth", [c.dy], { blocksize: int(blocksize) }),
    ];
  }),
  defineRule("SpaceToDepth", (c) => [
    () => c.op("DepthToSpace", [c.dy], { blocksize: int(c.node.int("blocksize", 1)) }),
  ]),
];

/** Adds what was gathered to the places it came from. */
function scatter(
  c: RuleContext,
  op: "ScatterElements" | "ScatterND",
  attributes: Parameters<RuleContext["op"]>[2],
): Value {
  if (c.b.opset < 16) return c.fail("scattering needs opset 16");
  const empty = c.expand(c.num(0), dimsOf(c.x()));
  return c.op(op, [empty, c.x(1), c.dy], { ...attributes, reduction: str("add") });
}

/** `[N, C, H·b, W·b]` → `[N, C·b·b, H, W]`, the channel the slowest. */
function unshuffle(c: RuleContext, b: number): Value {
  const [n = 1, channels = 1, rows = 1, columns = 1] = dimsOf(c.dy);
  const blocks = c.reshape(c.dy, [n, channels, rows / b, b, columns / b, b]);
  return c.reshape(c.transpose(blocks, [0, 1, 3, 5, 2, 4]), dimsOf(c.x()));
}
