import { describe, expect, it } from "vitest";
import { EdgeDistillError } from "../../src/base/index.js";
import { createBuilder, verifyGraph } from "../../src/onnx/index.js";
import { float32 } from "../../src/tensor/index.js";

describe("the builder", () => {
  it("renames a node's result into an output, and copies what has a name of its own", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [2]);
    const r = b.op("Relu", [x]);
    expect(b.output(r, "y")).toBe(r);
    expect(b.output(r, "z")).not.toBe(r);
    b.output(x, "w");
    expect(b.graph.outputs.map((v) => v.name)).toEqual(["y", "z", "w"]);
    expect(b.graph.nodes.map((n) => n.op)).toEqual(["Relu", "Identity", "Identity"]);
    expect(b.graph.isFree("y")).toBe(false);
    expect(() => {
      verifyGraph(b.model());
    }).not.toThrow();
  });

  it("shares small equal constants", () => {
    const b = createBuilder();
    expect(b.f32([1, 2])).toBe(b.f32([1, 2]));
    expect(b.f32([1, 2])).not.toBe(b.f32([1, 2], [2, 1]));
    expect(b.initializer("w", float32([1], [1]))).not.toBe(b.initializer("w", float32([1], [1])));
  });
});

describe("the graph", () => {
  it("refuses to remove what is in use", () => {
    const b = createBuilder();
    const w = b.initializer("w", float32([1], [1]));
    const r = b.op("Relu", [w], {}, { name: "r" });
    b.output(b.op("Exp", [r]), "y");
    const code = (run: () => void): string => {
      try {
        run();
      } catch (error) {
        return error instanceof EdgeDistillError ? error.code : String(error);
      }
      return "no error";
    };
    const [relu, exp] = b.graph.nodes;
    expect(code(() => relu && b.graph.remove(relu))).toBe("ONNX_INVALID_GRAPH");
    expect(code(() => exp && b.graph.remove(exp))).toBe("ONNX_INVALID_GRAPH");
    expect(code(() => b.graph.removeInitializer(w))).toBe("ONNX_INVALID_GRAPH");
  });

  it("rewires every use at once", () => {
    const b = createBuilder();
    const x = b.input("x", "float32", [1]);
    const a = b.op("Neg", [x]);
    const square = b.op("Mul", [a, a]);
    b.output(square, "y");
    a.replaceAllUsesWith(x);
    expect(square.producer()?.inputs).toEqual([x, x]);
    expect(a.uses()).toEqual([]);
    expect(b.graph.removeDeadNodes()).toBe(1);
    expect(x.uses()).toHaveLength(2);
  });
});
