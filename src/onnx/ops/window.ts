import type { Dim } from "../ir/index.js";
import type { Dims, InferContext } from "./context.js";

/** Sliding-window attributes of a conv or pool, per spatial axis. */
export interface Window {
  kernel: readonly (number | undefined)[];
  strides: readonly number[];
  dilations: readonly number[];
  /** `[begin…, end…]` */
  pads: readonly number[];
  autoPad: string;
}

/** Reads the window attributes for `rank` spatial axes; `kernelFrom` gives a conv's weight dims. */
export function readWindow(ctx: InferContext, rank: number, kernelFrom?: Dims): Window {
  const list = (name: string, fill: number, length = rank): readonly number[] => {
    const given = ctx.node.ints(name);
    if (given && given.length !== length)
      ctx.fail(`attribute ${name} has ${String(given.length)} entries`, {
        expected: length,
        actual: given.length,
      });
    return given ?? Array.from({ length }, () => fill);
  };
  const weightKernel = kernelFrom?.slice(2).map((d) => (typeof d === "number" ? d : undefined));
  const given = ctx.node.ints("kernel_shape");
  if (given && given.length !== rank)
    ctx.fail(`attribute kernel_shape has ${String(given.length)} entries`, {
      expected: rank,
      actual: given.length,
    });
  given?.forEach((k, i) => {
    ctx.sameDim(weightKernel?.[i], k, "attribute kernel_shape against the weight");
  });
  const kernel = given ?? weightKernel;
  if (!kernel) ctx.fail("attribute kernel_shape is missing");
  return {
    kernel,
    strides: list("strides", 1),
    dilations: list("dilations", 1),
    pads: list("pads", 0, 2 * rank),
    autoPad: ctx.node.string("auto_pad", "NOTSET"),
  };
}

/** Output length of a sliding window along spatial axis `i` (axis `i + 2` of the tensor). */
export function windowLength(
  ctx: InferContext,
  input: Dim | undefined,
  window: Window,
  i: number,
  { ceil = false } = {},
): Dim {
  const kernel = window.kernel[i];
  const stride = window.strides[i] ?? 1;
  const before = window.pads[i] ?? 0;
  const after = window.pads[i + window.strides.length] ?? 0;
  if (kernel === undefined) return ctx.fresh(i + 2);
  const extent = (kernel - 1) * (window.dilations[i] ?? 1) + 1;
  return ctx.map(input, i + 2, (n) => {
    if (window.autoPad === "SAME_UPPER" || window.autoPad === "SAME_LOWER")
      return Math.ceil(n / stride);
    const padded = window.autoPad === "VALID" ? n : n + before + after;
    if (padded < extent)
      ctx.fail(
        `the window (${String(extent)}) is larger than the padded input (${String(padded)}) on axis ${String(i + 2)}`,
        { expected: `at least ${String(extent)}`, actual: padded },
      );
    const steps = (padded - extent) / stride;
    if (!ceil) return Math.floor(steps) + 1;
    const length = Math.ceil(steps) + 1;
    // a last window that starts in the trailing padding is dropped
    return (length - 1) * stride >= n + before ? length - 1 : length;
  });
}
