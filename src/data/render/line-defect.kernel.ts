import type { BoxXyxyPx } from "../dataset.js";
import type { Canvas } from "./canvas.kernel.js";
import { featureDistance, toFrame, type DistanceField } from "./line-distance.kernel.js";
import type { LineFeature, LinePart } from "./line-part.js";
import { noiseTables, sampleNoise } from "./noise.kernel.js";

/** A scratch: a bright groove with a dark flank, along a path in frame pixels. */
export interface ScratchDefect {
  kind: "scratch";
  part: number;
  path: readonly { x: number; y: number }[];
  widthPx: number;
  bright: number;
  dark: number;
  noiseX: number;
}

/** A pit: one or more ragged craters, lit on the far flank. Frame pixels. */
export interface PitDefect {
  kind: "pit";
  part: number;
  craters: readonly { x: number; y: number; radiusPx: number; noiseX: number }[];
  dark: number;
  rim: number;
}

/** A cut-out that was never cut: only its scribed outline and a shallow dimple are there. */
export interface MissingDefect {
  kind: "missing-feature";
  part: number;
  feature: LineFeature;
  outline: number;
  dimple: number;
  shift: number;
  punch: number;
}

export type LineDefect = ScratchDefect | PitDefect | MissingDefect;

/** What a pixel must change by (of full scale, before the light) to count as the defect's own. */
const VISIBLE = 0.028;

interface Brush {
  canvas: Canvas;
  field: DistanceField;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  box: BoxXyxyPx;
}

/** Paints a defect on the metal of its part. @returns the box of the pixels it visibly changed, if any */
export function paintDefect(
  canvas: Canvas,
  part: LinePart,
  field: DistanceField,
  defect: LineDefect,
  light: { lightX: number; lightY: number },
): BoxXyxyPx | undefined {
  const box = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  const brush = (x: number, y: number, reachX: number, reachY: number): Brush => ({
    canvas,
    field,
    x0: Math.max(field.x0, Math.floor(x - reachX)),
    y0: Math.max(field.y0, Math.floor(y - reachY)),
    x1: Math.min(field.x1, Math.ceil(x + reachX) + 1),
    y1: Math.min(field.y1, Math.ceil(y + reachY) + 1),
    box,
  });
  if (defect.kind === "scratch") paintScratch(defect, brush);
  else if (defect.kind === "pit") paintPit(defect, brush, light);
  else paintMissing(defect, part, brush, light);
  return box.xMax > box.xMin && box.yMax > box.yMin ? box : undefined;
}

/** Adds `delta` times the metal's share of the pixel, and grows the box when it shows. */
function touch(brush: Brush, x: number, y: number, delta: number): void {
  const { canvas, field, box } = brush;
  const d = field.data[(y - field.y0) * (field.x1 - field.x0) + x - field.x0]!;
  const cover = d >= 0.5 ? 0 : d <= -0.5 ? 1 : 0.5 - d;
  if (cover === 0) return;
  canvas.luma[y * canvas.widthPx + x]! += delta * cover;
  if (Math.abs(delta) * cover < VISIBLE) return;
  if (x < box.xMin) box.xMin = x;
  if (y < box.yMin) box.yMin = y;
  if (x + 1 > box.xMax) box.xMax = x + 1;
  if (y + 1 > box.yMax) box.yMax = y + 1;
}

type MakeBrush = (x: number, y: number, reachX: number, reachY: number) => Brush;

function paintScratch(
  { path, widthPx, bright, dark, noiseX }: ScratchDefect,
  make: MakeBrush,
): void {
  const { brushed } = noiseTables();
  const xs = path.map((p) => p.x);
  const ys = path.map((p) => p.y);
  const xMin = Math.min(...xs);
  const xMax = Math.max(...xs);
  const yMin = Math.min(...ys);
  const yMax = Math.max(...ys);
  const margin = widthPx * 3 + 2;
  const brush = make(
    (xMin + xMax) / 2,
    (yMin + yMax) / 2,
    (xMax - xMin) / 2 + margin,
    (yMax - yMin) / 2 + margin,
  );
  const segments = path.length - 1;
  for (let y = brush.y0; y < brush.y1; y++) {
    for (let x = brush.x0; x < brush.x1; x++) {
      let best = 1e9;
      let side = 0;
      let at = 0;
      for (let k = 0; k < segments; k++) {
        const ax = xs[k]!;
        const ay = ys[k]!;
        const bx = xs[k + 1]! - ax;
        const by = ys[k + 1]! - ay;
        const px = x - ax;
        const py = y - ay;
        const length2 = bx * bx + by * by;
        const t = Math.max(0, Math.min(1, (px * bx + py * by) / length2));
        const ex = px - t * bx;
        const ey = py - t * by;
        const d2 = ex * ex + ey * ey;
        if (d2 < best) {
          best = d2;
          side = (bx * ey - by * ex) / Math.sqrt(length2);
          at = (k + t) / segments;
        }
      }
      if (best > margin * margin) continue;
      // Pressed hardest in the middle, lifting towards both ends, and not evenly.
      const taper = Math.min(1, 0.35 + 5 * Math.min(at, 1 - at));
      const press = taper * (1 + 0.3 * sampleNoise(brushed, noiseX + at * 90, noiseX));
      const w = widthPx * (0.55 + 0.45 * taper);
      const core = side / w;
      const flank = (side - w * 1.7) / w;
      const beyond = best - side * side;
      const end = beyond > 0 ? Math.exp(-beyond / (w * w)) : 1;
      touch(
        brush,
        x,
        y,
        end * press * (bright * Math.exp(-core * core) - dark * Math.exp(-flank * flank)),
      );
    }
  }
}

function paintPit(
  { craters, dark, rim }: PitDefect,
  make: MakeBrush,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const { clouds, grain } = noiseTables();
  for (const crater of craters) {
    const reach = crater.radiusPx * 1.7 + 2;
    const brush = make(crater.x, crater.y, reach, reach);
    for (let y = brush.y0; y < brush.y1; y++) {
      for (let x = brush.x0; x < brush.x1; x++) {
        const dx = x - crater.x;
        const dy = y - crater.y;
        const r = Math.sqrt(dx * dx + dy * dy);
        const ragged =
          crater.radiusPx *
          (1 +
            0.2 *
              sampleNoise(
                clouds,
                crater.noiseX + (9 * dx) / (r + 1),
                crater.noiseX + (9 * dy) / (r + 1),
              ));
        const q = r / Math.max(2, ragged);
        if (q > 1.5) continue;
        const inside = q < 0.75 ? 1 : q > 1.1 ? 0 : (1.1 - q) / 0.35;
        const towards = (dx * lightX + dy * lightY) / (r + 1e-3);
        // The flank that faces the light glints; the one that turns away is in shadow.
        const ring = Math.exp(-((q - 0.95) * (q - 0.95)) / 0.045);
        const rough = 1 + 0.16 * grain[((y & 255) << 8) + (x & 255)]!;
        touch(
          brush,
          x,
          y,
          -dark * inside * rough * (1 - 0.35 * towards * q) + rim * ring * towards,
        );
      }
    }
  }
}

function paintMissing(
  { feature, outline, dimple, shift, punch }: MissingDefect,
  part: LinePart,
  make: MakeBrush,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const centre = toFrame(part, feature.u, feature.v);
  const reach = feature.radiusPx + feature.halfLengthPx + 4;
  const brush = make(centre.x, centre.y, reach, reach);
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  for (let y = brush.y0; y < brush.y1; y++) {
    for (let x = brush.x0; x < brush.x1; x++) {
      const dx = x - part.x;
      const dy = y - part.y;
      const d = featureDistance(feature, dx * c + dy * s, -dx * s + dy * c);
      if (d > 3) continue;
      const inside = d < -0.5 ? 1 : d > 0.5 ? 0 : 0.5 - d;
      const line = (d + 0.4) / 1.25;
      const ex = x - centre.x;
      const ey = y - centre.y;
      const slope = (ex * lightX + ey * lightY) / feature.radiusPx;
      const dot = (ex * ex + ey * ey) / 3.2;
      touch(
        brush,
        x,
        y,
        -outline * Math.exp(-line * line) +
          inside * (shift + dimple * Math.max(-1, Math.min(1, slope))) -
          punch * Math.exp(-dot),
      );
    }
  }
}
