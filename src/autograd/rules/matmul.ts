import { float, int, type Value } from "../../onnx/index.js";
import { dimsOf } from "../algebra.js";
import { defineRule, type Rule, type RuleContext } from "../rule.js";

/** Swaps the last two axes. */
function transposed(c: RuleContext, x: Value): Value {
  const rank = dimsOf(x).length;
  return c.transpose(x, [...Array(rank).keys()].slice(0, -2).concat(rank - 1, rank - 2));
}

export const matmulRules: readonly Rule[] = [
  // Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY; batches that one side lacks are summed by the walker
  defineRule("MatMul", (c) => {
    const [a, b] = [dimsOf(c.x(0)), dimsOf(c.x(1))];
    // a vector counts as one row on the left, as one column on the right
    const left = a.length === 1 ? c.reshape(c.x(0), [1, ...a]) : c.x(0);
    const right = b.length === 1 ? c.reshape(c.x(1), [...b, 1]) : c.x(1);
    const rows = dimsOf(left).at(-2) ?? 1;
    const columns = dimsOf(right).at(-1) ?? 1;
    const batch = dimsOf(c.y()).slice(
      0,
      dimsOf(c.y()).length - (a.length > 1 ? 1 : 0) - (b.length > 1 ? 1 : 0),
    );
    const dy = c.reshape(c.dy, [...batch, rows, columns]);
    const depth = a.at(-1) ?? 1;
    return [
      () => {
        const da = c.op("MatMul", [dy, transposed(c, right)]);
        return a.length === 1 ? c.sum(da, [dimsOf(da).length - 2], { keep: false }) : da;
      },
      () => {
        if (b.length === 2 && a.length > 2)
          // one product over all rows instead of one a batch
          return c.op("MatMul", [
            c.transpose(
              c.reshape(
                left,
                [-1, depth].map((d) => (d < 0 ? flatRows(left) : d)),
              ),
              [1, 0],
            ),
            c.reshape(dy, [flatRows(left), columns]),
          ]);
        const db = c.op("MatMul", [transposed(c, left), dy]);
        return b.length === 1 ? c.reshape(db, dimsOf(db).slice(0, -1)) : db;
      },
    ];
  }),
  // Y = α A'·B' + β C with A' = A or Aᵀ
  defineRule("Gemm", (c) => {
    const [tA, tB] = [c.node.int("transA", 0), c.node.int("transB", 0)];
    const alpha = c.node.float("alpha", 1);
    const gemm = (p: Value, q: Value, transA: number, transB: number): Value =>
      c.op("Gemm", [p, q], { alpha: float(alpha), transA: int(transA), transB: int(transB) });
    return [
      () => (tA ? gemm(c.x(1), c.dy, tB, 1) : gemm(c.dy, c.x(1), 0, 1 - tB)),
      () => (tB ? gemm(c.dy, c.x(0), 1, tA) : gemm(c.x(0), c.dy, 1 - tA, 0)),
      () => c.scale(c.dy, c.node.float("beta", 1)),
    ];
  }),
];

function flatRows(x: Value): number {
  return dimsOf(x)
    .slice(0, -1)
    .reduce((n, d) => n * d, 1);
}
