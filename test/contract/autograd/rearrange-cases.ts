import { int, str } from "../../../src/onnx/index.js";
import { int64 } from "../../../src/tensor/index.js";
import type { GradientCase } from "./gradient-check.js";

const einsum = (equation: string, ...operands: (readonly number[])[]): GradientCase => ({
  title: `Einsum ${equation} of [${operands.map(String).join("] [")}]`,
  inputs: operands.map((dims) => ({ dims })),
  build: (f, x) => f.op("Einsum", x, { equation: str(equation) }),
});

/** Einsum, and ops that repeat, pick and regroup elements. */
export const rearrangeCases: readonly GradientCase[] = [
  einsum("bhid,bhjd->bhij", [2, 2, 3, 2], [2, 2, 4, 2]),
  einsum("ij, jk", [2, 3], [3, 4]),
  einsum("kj,ji", [2, 3], [3, 2]),
  einsum("ij->ji", [2, 3]),
  einsum("ijk->j", [2, 3, 2]),
  einsum("ij,k->i", [2, 3], [4]),
  einsum("i,j->ij", [2], [3]),
  einsum("ij,ij->", [2, 3], [2, 3]),
  einsum("ij,jk,kl->il", [2, 3], [3, 2], [2, 2]),
  {
    title: "Tile",
    inputs: [{ dims: [2, 1, 3] }],
    build: (f, [x]) => f.op("Tile", [x ?? null, f.b.i64([2, 3, 1])]),
  },
  {
    title: "GatherElements, one twice, from the end",
    inputs: [{ dims: [3, 3] }],
    build: (f, [x]) =>
      f.op("GatherElements", [x ?? null, f.b.constant(int64([0, 2, 2, -1, 0, 1], [3, 2]))], {
        axis: int(-1),
      }),
  },
  {
    title: "GatherND of slices, one twice",
    inputs: [{ dims: [2, 3, 2] }],
    build: (f, [x]) =>
      f.op("GatherND", [x ?? null, f.b.constant(int64([0, 1, 1, -1, 0, 1], [3, 2]))]),
  },
  ...["DCR", "CRD"].map((mode): GradientCase => ({
    title: `DepthToSpace ${mode}`,
    inputs: [{ dims: [2, 8, 2, 3] }],
    build: (f, x) => f.op("DepthToSpace", x, { blocksize: int(2), mode: str(mode) }),
  })),
  {
    title: "SpaceToDepth",
    inputs: [{ dims: [1, 2, 4, 6] }],
    build: (f, x) => f.op("SpaceToDepth", x, { blocksize: int(2) }),
  },
];
