import { describe, expect, it } from "vitest";
import { defineRule, differentiate, stopGradient, withGradient } from "../../src/autograd/index.js";
import { EdgeDistillError } from "../../src/base/index.js";
import { openEngine } from "../../src/engine/index.js";
import {
  createBuilder,
  int,
  serializeModel,
  str,
  type GraphBuilder,
  type Value,
} from "../../src/onnx/index.js";
import { float32, int64 } from "../../src/tensor/index.js";

const total = (b: GraphBuilder, x: Value): Value => b.op("ReduceSum", [x], { keepdims: int(0) });
const square = (b: GraphBuilder, x: Value): Value => b.op("Mul", [x, x]);

function failure(run: () => unknown): EdgeDistillError {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeDistillError) return error;
    throw error;
  }
  expect.unreachable("should have thrown");
}

/** Evaluates values of a graph whose only input is x = [1, -2, 3]. */
async function evaluate(b: GraphBuilder, values: readonly Value[]): Promise<number[][]> {
  values.forEach((v, i) => b.output(v, `out${String(i)}`));
  await using engine = await openEngine({ kind: "inline" });
  const session = await engine.createSession(serializeModel(b.model()));
  const out = await session.run({ x: float32([3], [1, -2, 3]) });
  return values.map((_, i) => Array.from(out[`out${String(i)}`]?.data as Float32Array));
}

describe("differentiate", () => {
  it("sums over every path, and differentiates by inner values too", async () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const y = square(b, x);
    // Σ (x² + x⁴): by x 2x + 4x³, by y 1 + 2y
    const loss = total(b, b.op("Add", [y, square(b, y)]));
    const gradients = differentiate(b, loss, [x, y]);
    const [dx, dy] = await evaluate(b, [gradients.get(x) as Value, gradients.get(y) as Value]);
    expect(dx).toEqual([6, -36, 114]);
    expect(dy).toEqual([3, 9, 19]);
  });

  it("leaves out what the loss does not depend on, and does no work for it", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const other = b.input("other", "float32", [3]);
    const loss = total(b, b.op("Mul", [x, x]));
    const before = b.graph.nodes.length;
    expect(differentiate(b, loss, [other]).size).toBe(0);
    expect(b.graph.nodes.length).toBe(before);
  });

  it("treats values of stopAt and of stopGradient as constants", async () => {
    for (const way of ["stopAt", "stopGradient"]) {
      const b = createBuilder();
      const x = b.input("x", "float32", [3]);
      const y = square(b, x);
      const held = way === "stopAt" ? y : stopGradient(b, y);
      const loss = total(b, b.op("Mul", [held, x]));
      const gradients = differentiate(b, loss, [x], {
        stopAt: new Set(way === "stopAt" ? [y] : []),
      });
      // d(c·x) = c
      expect(await evaluate(b, [gradients.get(x) as Value])).toEqual([[1, 4, 9]]);
    }
  });

  it("ends at comparisons, rounding and integers", async () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const mask = b.op("Cast", [b.op("Greater", [x, b.f32(0)])], { to: int(1) });
    const rounded = b.op("Floor", [x]);
    const whole = b.op("Cast", [b.op("Cast", [x], { to: int(7) })], { to: int(1) });
    const sum = b.op("Add", [b.op("Mul", [x, mask]), b.op("Add", [rounded, whole])]);
    const gradients = differentiate(b, total(b, sum), [x]);
    expect(await evaluate(b, [gradients.get(x) as Value])).toEqual([[1, 0, 1]]);
  });

  it("takes a composite's own gradient instead of stepping through its nodes", async () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    // rounds forward, passes the gradient straight through
    const y = withGradient(b.op("Round", [x]), [x], (_, dy) => [() => dy]);
    const gradients = differentiate(b, total(b, square(b, y)), [x]);
    expect(await evaluate(b, [gradients.get(x) as Value])).toEqual([[2, -4, 6]]);
  });

  it("refuses an op without a rule, naming node and op", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const y = b.op(
      "CumSum",
      [x, b.constant({ dtype: "int64", dims: [], data: BigInt64Array.of(0n) })],
      {},
      { name: "layer7" },
    );
    const loss = total(b, y);
    const error = failure(() => differentiate(b, loss, [x]));
    expect(error.code).toBe("AUTOGRAD_NO_RULE");
    expect(error.message).toBe('No gradient rule for CumSum (opset 17) at node "layer7"');
    expect(error.details).toMatchObject({ op: "CumSum", node: "layer7" });
    expect(error.hint).toMatch(/Freeze/);
    // it does not matter where no gradient is wanted through it
    expect(differentiate(b, loss, [y]).size).toBe(1);
  });

  it("takes rules of the caller first", async () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3]);
    const y = b.op("CumSum", [
      x,
      b.constant({ dtype: "int64", dims: [], data: BigInt64Array.of(0n) }),
    ]);
    const rule = defineRule("CumSum", (c) => [
      () => c.op("CumSum", [c.dy, c.x(1)], { reverse: int(1) }),
    ]);
    const gradients = differentiate(b, total(b, y), [x], { rules: [rule] });
    expect(await evaluate(b, [gradients.get(x) as Value])).toEqual([[3, 2, 1]]);
  });

  it.each<[string, string, (b: GraphBuilder, x: Value) => Value]>([
    [
      "Pad",
      'mode "reflect" with negative pads',
      (b, x) => b.op("Pad", [x, b.i64([0, -1, 0, 1])], { mode: str("reflect") }, { name: "odd" }),
    ],
    [
      "Einsum",
      'an index twice in one operand of "ii->i"',
      (b, x) => b.op("Einsum", [x], { equation: str("ii->i") }, { name: "odd" }),
    ],
    [
      "Einsum",
      'an ellipsis in "...i->..."',
      (b, x) => {
        const y = b.op("Einsum", [x], { equation: str("...i->...") }, { name: "odd" });
        // as a file that declares the shape
        y.dims = [3];
        return y;
      },
    ],
    [
      "Resize",
      'mode "cubic"',
      (b, x) => b.op("Resize", [x, null, b.f32([2, 2])], { mode: str("cubic") }, { name: "odd" }),
    ],
    [
      "Resize",
      'coordinates "tf_crop_and_resize"',
      (b, x) =>
        b.op(
          "Resize",
          [x, b.f32([0, 0, 1, 1]), b.f32([2, 2])],
          { mode: str("linear"), coordinate_transformation_mode: str("tf_crop_and_resize") },
          { name: "odd" },
        ),
    ],
    [
      "GatherND",
      "batch_dims other than 0",
      (b, x) =>
        b.op(
          "GatherND",
          [x, b.constant(int64([0, 1, 2], [3, 1]))],
          { batch_dims: int(1) },
          { name: "odd" },
        ),
    ],
  ])("says which form of %s a rule does not cover: %s", (_, reason, write) => {
    const b = createBuilder();
    const x = b.input("x", "float32", [3, 3]);
    const error = failure(() => differentiate(b, total(b, write(b, x)), [x]));
    expect(error.code).toBe("AUTOGRAD_NO_RULE");
    expect(error.message).toContain(`"odd": ${reason}`);
  });

  it("asks for fixed shapes and a scalar loss", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", ["N", 3]);
    const free = failure(() => differentiate(b, total(b, b.op("Mul", [x, x])), [x]));
    expect(free.code).toBe("ONNX_SHAPE_INFERENCE");
    expect(free.message).toContain("[N, 3]");
    const y = b.input("y", "float32", [3]);
    const vector = failure(() => differentiate(b, b.op("Mul", [y, y]), [y]));
    expect(vector.code).toBe("TENSOR_SHAPE");
  });
});
