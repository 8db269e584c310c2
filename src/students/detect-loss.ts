import { int, type GraphBuilder, type Value } from "../onnx/index.js";

/** Weight of the cell-free (negative) part of the classification loss. */
const NEGATIVE_WEIGHT = 0.75;
/** A positive's score target is this plus the rest times its box IoU, so that ranking follows box quality. */
const QUALITY_FLOOR = 0.35;

export interface DetectionLossInputs {
  /** `[N, A, C]` */
  logits: Value;
  /** `[N, A, 4]` predicted distances in strides */
  distances: Value;
  /** `[N, A, C]` 1 at positives, or a teacher's soft scores */
  targetClasses: Value;
  /** `[N, A, 4]` */
  targetDistances: Value;
  /** `[N, A, 1]` box weight per cell */
  weight: Value;
  /** `[N, 1, 1]` 1 where every object of the image is known, 0 where unmarked cells say nothing; all known by default. */
  known?: Value;
}

export interface DetectionLoss {
  classification: Value;
  box: Value;
  /** Values the gradient must not pass through. */
  stopAt: readonly Value[];
}

const mul = (b: GraphBuilder, x: Value, y: Value): Value => b.op("Mul", [x, y]);
const add = (b: GraphBuilder, x: Value, y: Value): Value => b.op("Add", [x, y]);
const sub = (b: GraphBuilder, x: Value, y: Value): Value => b.op("Sub", [x, y]);
const sum = (b: GraphBuilder, x: Value): Value => b.op("ReduceSum", [x], { keepdims: int(0) });

/** Splits `[N, A, 4]` distances into (left, top) and (right, bottom). */
function halves(b: GraphBuilder, d: Value): readonly [Value, Value] {
  const [low, high] = b.multi("Split", [d, b.i64([2, 2])], { axis: int(2) }, { outputs: 2 });
  return [low as Value, high as Value];
}

function area(b: GraphBuilder, low: Value, high: Value): Value {
  const size = add(b, low, high);
  const [w, h] = b.multi("Split", [size, b.i64([1, 1])], { axis: int(2) }, { outputs: 2 });
  return mul(b, w as Value, h as Value);
}

/**
 * IoU and generalized IoU of boxes that share the cell centre, `[N, A, 1]` each.
 * Both boxes contain (or touch) the centre, so intersection sides are sums of minima.
 */
export function distanceIou(
  b: GraphBuilder,
  predicted: Value,
  target: Value,
): { iou: Value; giou: Value } {
  const eps = b.f32(1e-6);
  const [pl, ph] = halves(b, predicted);
  const [tl, th] = halves(b, target);
  const intersection = area(b, b.op("Min", [pl, tl]), b.op("Min", [ph, th]));
  const union = add(b, sub(b, add(b, area(b, pl, ph), area(b, tl, th)), intersection), eps);
  const hull = add(b, area(b, b.op("Max", [pl, tl]), b.op("Max", [ph, th])), eps);
  const iou = b.op("Div", [intersection, union]);
  return { iou, giou: sub(b, iou, b.op("Div", [sub(b, hull, union), hull])) };
}

/**
 * Varifocal classification (IoU-aware targets, arXiv 2008.13367) and generalized IoU boxes (arXiv 1902.09630),
 * both divided by the batch's total positive weight (at least 1).
 */
export function detectionLoss(
  b: GraphBuilder,
  { logits, distances, targetClasses, targetDistances, weight, known }: DetectionLossInputs,
): DetectionLoss {
  const { iou, giou } = distanceIou(b, distances, targetDistances);
  const positives = b.op("Max", [sum(b, weight), b.f32(1)]);
  const one = b.f32(1);
  // box: sum w (1 - giou) / positives
  const box = b.op("Div", [sum(b, mul(b, weight, sub(b, one, giou))), positives]);
  // classification: BCE(logit, q) · (t · q + (1 - t) · α p²), q = t (floor + (1 - floor) IoU)
  const quality = b.op("Identity", [
    add(b, b.f32(QUALITY_FLOOR), mul(b, b.f32(1 - QUALITY_FLOOR), iou)),
  ]);
  const q = mul(b, targetClasses, quality);
  const p = b.op("Identity", [b.op("Sigmoid", [logits])]);
  const bce = sub(b, b.op("Softplus", [logits]), mul(b, logits, q));
  const negative = mul(b, sub(b, one, targetClasses), mul(b, b.f32(NEGATIVE_WEIGHT), mul(b, p, p)));
  const focus = add(b, q, known ? mul(b, known, negative) : negative);
  const classification = b.op("Div", [sum(b, mul(b, focus, bce)), positives]);
  return { classification, box, stopAt: [quality, p] };
}

/**
 * Response distillation on the same cells: quality-focal BCE towards the teacher's scores (arXiv 2006.04388, beta 2)
 * and GIoU towards its boxes weighted by its best score. Normalised by the teacher's total score (at least 1).
 */
export function responseLoss(
  b: GraphBuilder,
  { logits, distances, targetClasses, targetDistances, weight }: DetectionLossInputs,
): DetectionLoss {
  const { giou } = distanceIou(b, distances, targetDistances);
  const one = b.f32(1);
  const total = b.op("Max", [sum(b, weight), one]);
  const box = b.op("Div", [sum(b, mul(b, weight, sub(b, one, giou))), total]);
  const p = b.op("Sigmoid", [logits]);
  const gap = b.op("Identity", [sub(b, targetClasses, p)]);
  const bce = sub(b, b.op("Softplus", [logits]), mul(b, logits, targetClasses));
  // |t - p|² · BCE, plus t · BCE so that confident cells keep their pull near convergence
  const focus = b.op("Identity", [add(b, mul(b, gap, gap), mul(b, b.f32(0.5), targetClasses))]);
  const classification = b.op("Div", [sum(b, mul(b, focus, bce)), total]);
  return { classification, box, stopAt: [focus] };
}

/** Mean squared distance of two `[N, C, H, W]` maps after each cell's vector is normalised: 2 - 2·cosine. */
export function featureLoss(b: GraphBuilder, student: Value, teacher: Value): Value {
  const unit = (x: Value): Value => {
    const norm2 = b.op("ReduceSum", [mul(b, x, x), b.i64([1])], { keepdims: int(1) });
    return b.op("Div", [x, b.op("Sqrt", [add(b, norm2, b.f32(1e-6))])]);
  };
  const cosine = b.op("ReduceSum", [mul(b, unit(student), unit(teacher)), b.i64([1])], {
    keepdims: int(1),
  });
  return sub(b, b.f32(2), mul(b, b.f32(2), b.op("ReduceMean", [cosine], { keepdims: int(0) })));
}
