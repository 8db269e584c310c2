import type { Annotation, BoxXyxyPx } from "./dataset.js";
import type { AxisWarp, TargetRect } from "./warp.kernel.js";

/** The box of a warped box, not clipped. */
export function warpBox(box: BoxXyxyPx, warp: AxisWarp): BoxXyxyPx {
  const across: [number, number] = warp.turned ? [box.yMin, box.yMax] : [box.xMin, box.xMax];
  const down: [number, number] = warp.turned ? [box.xMin, box.xMax] : [box.yMin, box.yMax];
  const [xa, xb] = across.map((v) => v * warp.scaleX + warp.shiftX) as [number, number];
  const [ya, yb] = down.map((v) => v * warp.scaleY + warp.shiftY) as [number, number];
  return {
    xMin: Math.min(xa, xb),
    yMin: Math.min(ya, yb),
    xMax: Math.max(xa, xb),
    yMax: Math.max(ya, yb),
  };
}

/** Clips boxes to a rectangle and drops those of which too little is left. */
export function clipAnnotations(
  annotations: readonly Annotation[],
  { x0, y0, x1, y1 }: TargetRect,
  keepVisible: number,
): Annotation[] {
  return annotations.flatMap(({ classId, box }) => {
    const clipped = {
      xMin: Math.max(x0, box.xMin),
      yMin: Math.max(y0, box.yMin),
      xMax: Math.min(x1, box.xMax),
      yMax: Math.min(y1, box.yMax),
    };
    const w = clipped.xMax - clipped.xMin;
    const h = clipped.yMax - clipped.yMin;
    const whole = (box.xMax - box.xMin) * (box.yMax - box.yMin);
    return w >= 1.5 && h >= 1.5 && w * h >= keepVisible * whole ? [{ classId, box: clipped }] : [];
  });
}
