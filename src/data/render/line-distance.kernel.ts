import { rectAround, type Canvas, type PixelRect } from "./canvas.kernel.js";
import type { LineFeature, LineOutline, LinePart } from "./line-part.js";

/** Signed distance to a part's metal over a rectangle of the frame: negative on metal, in pixels. */
export interface DistanceField extends PixelRect {
  /** `[y1 - y0, x1 - x0]` */
  data: Float32Array;
}

/** Frame → part coordinates. */
export function toLocal(part: LinePart, x: number, y: number): { u: number; v: number } {
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  const dx = x - part.x;
  const dy = y - part.y;
  return { u: dx * c + dy * s, v: -dx * s + dy * c };
}

/** Part → frame coordinates. */
export function toFrame(part: LinePart, u: number, v: number): { x: number; y: number } {
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  return { x: part.x + u * c - v * s, y: part.y + u * s + v * c };
}

function roundedRect(u: number, v: number, halfU: number, halfV: number, corner: number): number {
  const qu = Math.abs(u) - halfU + corner;
  const qv = Math.abs(v) - halfV + corner;
  const out = Math.sqrt((qu > 0 ? qu * qu : 0) + (qv > 0 ? qv * qv : 0));
  return out + Math.min(Math.max(qu, qv), 0) - corner;
}

/** Signed distance to an outline without its cut-outs. */
export function outlineDistance(outline: LineOutline, u: number, v: number): number {
  switch (outline.kind) {
    case "disc":
      return Math.sqrt(u * u + v * v) - outline.radiusPx;
    case "rect":
      return roundedRect(u, v, outline.halfWidthPx, outline.halfHeightPx, outline.cornerPx);
    case "ell": {
      const { halfWidthPx: hw, halfHeightPx: hh, armPx: arm, cornerPx: corner } = outline;
      const across = roundedRect(u, v - hh + arm / 2, hw, arm / 2, corner);
      const down = roundedRect(u + hw - arm / 2, v, arm / 2, hh, corner);
      return Math.min(across, down);
    }
  }
}

/** Signed distance to a cut-out, negative inside it. */
export function featureDistance(f: LineFeature, u: number, v: number): number {
  const du = u - f.u;
  const dv = v - f.v;
  if (f.halfLengthPx === 0) return Math.sqrt(du * du + dv * dv) - f.radiusPx;
  const c = Math.cos(f.angle);
  const s = Math.sin(f.angle);
  const along = Math.max(-f.halfLengthPx, Math.min(f.halfLengthPx, du * c + dv * s));
  const a = du - along * c;
  const b = dv - along * s;
  return Math.sqrt(a * a + b * b) - f.radiusPx;
}

/** Signed distance to the metal at a point of the frame; `cut` are the cut-outs that are really there. */
export function partDistance(
  part: LinePart,
  cut: readonly LineFeature[],
  x: number,
  y: number,
): number {
  const { u, v } = toLocal(part, x, y);
  let d = outlineDistance(part.outline, u, v);
  for (const feature of cut) d = Math.max(d, -featureDistance(feature, u, v));
  return d;
}

/** {@link partDistance} over every pixel around a part, with room for its shadow. */
export function partField(
  canvas: Canvas,
  part: LinePart,
  cut: readonly LineFeature[],
): DistanceField {
  const rect = rectAround(canvas, { x: part.x, y: part.y, radiusX: part.reachPx + 4 });
  const w = Math.max(0, rect.x1 - rect.x0);
  const h = Math.max(0, rect.y1 - rect.y0);
  const data = new Float32Array(w * h);
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  const { outline } = part;
  for (let y = 0, i = 0; y < h; y++) {
    const dy = rect.y0 + y - part.y;
    for (let x = 0; x < w; x++, i++) {
      const dx = rect.x0 + x - part.x;
      data[i] = outlineDistance(outline, dx * c + dy * s, -dx * s + dy * c);
    }
  }
  for (const feature of cut) cutFeature(part, feature, { ...rect, data }, w);
  return { ...rect, data };
}

function cutFeature(part: LinePart, feature: LineFeature, field: DistanceField, w: number): void {
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  const centre = toFrame(part, feature.u, feature.v);
  // Beyond a few pixels the cut-out no longer shapes edge, bevel or shadow.
  const reach = feature.radiusPx + feature.halfLengthPx + 12;
  const x0 = Math.max(field.x0, Math.floor(centre.x - reach));
  const x1 = Math.min(field.x1, Math.ceil(centre.x + reach) + 1);
  const y0 = Math.max(field.y0, Math.floor(centre.y - reach));
  const y1 = Math.min(field.y1, Math.ceil(centre.y + reach) + 1);
  for (let y = y0; y < y1; y++) {
    const row = (y - field.y0) * w - field.x0;
    const dy = y - part.y;
    for (let x = x0; x < x1; x++) {
      const dx = x - part.x;
      const d = -featureDistance(feature, dx * c + dy * s, -dx * s + dy * c);
      if (d > field.data[row + x]!) field.data[row + x] = d;
    }
  }
}
