import { rectAround, type Canvas } from "./canvas.kernel.js";
import type { DistanceField } from "./line-distance.kernel.js";
import { noiseTables, sampleNoise } from "./noise.kernel.js";

/** Things in view that are no defect. Positions in frame pixels. */
export type LineDistractor =
  | { kind: "oil"; x: number; y: number; radiusPx: number; strength: number; noiseX: number }
  | {
      kind: "code";
      x: number;
      y: number;
      angle: number;
      cells: number;
      cellPx: number;
      ink: number;
      bits: readonly boolean[];
    }
  | {
      kind: "print";
      x: number;
      y: number;
      angle: number;
      heightPx: number;
      ink: number;
      strokes: readonly PrintStroke[];
    }
  | {
      kind: "ticks";
      x: number;
      y: number;
      angle: number;
      count: number;
      pitchPx: number;
      lengthPx: number;
      depth: number;
    }
  | {
      kind: "stamp";
      x: number;
      y: number;
      radiusPx: number;
      ink: number;
      strokes: readonly PrintStroke[];
    }
  | { kind: "dust"; x: number; y: number; radiusPx: number; strength: number }
  | {
      kind: "fibre";
      x: number;
      y: number;
      angle: number;
      lengthPx: number;
      bend: number;
      strength: number;
    };

/** A stroke of a glyph in units of the glyph's height, baseline at 0. */
export interface PrintStroke {
  ax: number;
  ay: number;
  bx: number;
  by: number;
}

/**
 * Paints a distractor. With a field it stays on that part's metal (marks are printed on parts); without, it lies on
 * whatever is there.
 */
export function paintDistractor(canvas: Canvas, item: LineDistractor, field?: DistanceField): void {
  switch (item.kind) {
    case "oil":
      paintOil(canvas, item, field);
      break;
    case "code":
      paintCode(canvas, item, field);
      break;
    case "print":
      paintPrint(canvas, item, field);
      break;
    case "ticks":
      paintTicks(canvas, item, field);
      break;
    case "stamp":
      paintStamp(canvas, item, field);
      break;
    case "dust":
      paintDust(canvas, item);
      break;
    case "fibre":
      paintFibre(canvas, item);
  }
}

function coverAt(field: DistanceField | undefined, x: number, y: number): number {
  if (field === undefined) return 1;
  if (x < field.x0 || x >= field.x1 || y < field.y0 || y >= field.y1) return 0;
  const d = field.data[(y - field.y0) * (field.x1 - field.x0) + x - field.x0]!;
  return d >= 0.5 ? 0 : d <= -0.5 ? 1 : 0.5 - d;
}

/** A thin film: darker, warmer, with a soft ragged edge and no relief. */
function paintOil(
  canvas: Canvas,
  { x: cx, y: cy, radiusPx, strength, noiseX }: Extract<LineDistractor, { kind: "oil" }>,
  field: DistanceField | undefined,
): void {
  const { clouds } = noiseTables();
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: radiusPx * 1.8 });
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const cover = coverAt(field, x, y);
      if (cover === 0) continue;
      const dx = x - cx;
      const dy = y - cy;
      const q =
        Math.sqrt(dx * dx + dy * dy) / radiusPx +
        0.28 * sampleNoise(clouds, noiseX + dx * 0.9, noiseX + dy * 0.9);
      if (q > 1.15) continue;
      const film = q < 0.7 ? 1 : (1.15 - q) / 0.45;
      const i = y * canvas.widthPx + x;
      canvas.luma[i]! *= 1 - strength * film * cover;
      canvas.red[i]! += 0.16 * strength * film * cover;
      canvas.blue[i]! -= 0.5 * strength * film * cover;
    }
  }
}

/** A laser-marked square code. */
function paintCode(
  canvas: Canvas,
  { x: cx, y: cy, angle, cells, cellPx, ink, bits }: Extract<LineDistractor, { kind: "code" }>,
  field: DistanceField | undefined,
): void {
  const half = (cells * cellPx) / 2;
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: half * 1.5 + 1 });
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const u = ((x - cx) * c + (y - cy) * s + half) / cellPx;
      const v = (-(x - cx) * s + (y - cy) * c + half) / cellPx;
      if (u < 0 || v < 0 || u >= cells || v >= cells) continue;
      const column = Math.floor(u);
      const row = Math.floor(v);
      // A finder: two full sides, two dotted ones.
      const on =
        column === 0 || row === cells - 1
          ? true
          : row === 0
            ? column % 2 === 0
            : column === cells - 1
              ? row % 2 === 1
              : bits[row * cells + column]!;
      if (on) canvas.luma[y * canvas.widthPx + x]! *= 1 - ink * coverAt(field, x, y);
    }
  }
}

/** Stencilled characters. */
function paintPrint(
  canvas: Canvas,
  { x: cx, y: cy, angle, heightPx, ink, strokes }: Extract<LineDistractor, { kind: "print" }>,
  field: DistanceField | undefined,
): void {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const half = heightPx * 0.085;
  for (const { ax, ay, bx, by } of strokes) {
    const x0 = cx + heightPx * (ax * c - ay * s);
    const y0 = cy + heightPx * (ax * s + ay * c);
    const x1 = cx + heightPx * (bx * c - by * s);
    const y1 = cy + heightPx * (bx * s + by * c);
    paintLine(canvas, { x0, y0, x1, y1, halfPx: half }, (i, x, y, cover) => {
      canvas.luma[i]! *= 1 - ink * cover * coverAt(field, x, y);
    });
  }
}

/** Engraved index lines: straight, parallel, evenly spaced, bright on one side. */
function paintTicks(
  canvas: Canvas,
  {
    x: cx,
    y: cy,
    angle,
    count,
    pitchPx,
    lengthPx,
    depth,
  }: Extract<LineDistractor, { kind: "ticks" }>,
  field: DistanceField | undefined,
): void {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  for (let k = 0; k < count; k++) {
    const off = (k - (count - 1) / 2) * pitchPx;
    const half = (k % 4 === 0 ? 1 : 0.65) * lengthPx * 0.5;
    for (const [shift, sign] of [
      [0, -1],
      [1.3, 0.6],
    ] as const) {
      const mx = cx + (off + shift) * c;
      const my = cy + (off + shift) * s;
      const ends = { x0: mx + half * s, y0: my - half * c, x1: mx - half * s, y1: my + half * c };
      paintLine(canvas, { ...ends, halfPx: 0.6 }, (i, x, y, cover) => {
        canvas.luma[i]! += sign * depth * cover * coverAt(field, x, y);
      });
    }
  }
}

/** An inspector's ink stamp: a ring around a digit. */
function paintStamp(
  canvas: Canvas,
  { x: cx, y: cy, radiusPx, ink, strokes }: Extract<LineDistractor, { kind: "stamp" }>,
  field: DistanceField | undefined,
): void {
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: radiusPx + 2 });
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const d = Math.abs(Math.hypot(x - cx, y - cy) - radiusPx) - 0.8;
      if (d >= 0.5) continue;
      const i = y * canvas.widthPx + x;
      const cover = (d < -0.5 ? 1 : 0.5 - d) * coverAt(field, x, y);
      canvas.luma[i]! *= 1 - ink * cover;
      canvas.blue[i]! += 0.5 * ink * cover;
    }
  }
  paintPrint(
    canvas,
    { kind: "print", x: cx - radiusPx * 0.25, y: cy, angle: 0, heightPx: radiusPx, ink, strokes },
    field,
  );
}

function paintDust(
  canvas: Canvas,
  { x: cx, y: cy, radiusPx, strength }: Extract<LineDistractor, { kind: "dust" }>,
): void {
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: radiusPx + 2 });
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const d2 = ((x - cx) ** 2 + (y - cy) ** 2) / (radiusPx * radiusPx);
      canvas.luma[y * canvas.widthPx + x]! += strength * Math.exp(-d2 * 1.4);
    }
  }
}

/** A lint fibre: thin, even, curled, dark or light; it lies over edges and holes alike. */
function paintFibre(
  canvas: Canvas,
  { x, y, angle, lengthPx, bend, strength }: Extract<LineDistractor, { kind: "fibre" }>,
): void {
  const steps = 7;
  let px = x;
  let py = y;
  for (let k = 0; k < steps; k++) {
    const at = angle + bend * (k / steps - 0.5);
    const nx = px + (lengthPx / steps) * Math.cos(at);
    const ny = py + (lengthPx / steps) * Math.sin(at);
    paintLine(canvas, { x0: px, y0: py, x1: nx, y1: ny, halfPx: 0.55 }, (i, _x, _y, cover) => {
      canvas.luma[i] = canvas.luma[i]! * (1 - 0.5 * cover) + 0.5 * cover * strength;
    });
    px = nx;
    py = ny;
  }
}

function paintLine(
  canvas: Canvas,
  { x0, y0, x1, y1, halfPx }: { x0: number; y0: number; x1: number; y1: number; halfPx: number },
  paint: (i: number, x: number, y: number, cover: number) => void,
): void {
  const bx = x1 - x0;
  const by = y1 - y0;
  const length2 = bx * bx + by * by + 1e-9;
  const rect = rectAround(canvas, {
    x: (x0 + x1) / 2,
    y: (y0 + y1) / 2,
    radiusX: Math.abs(bx) / 2 + halfPx + 1,
    radiusY: Math.abs(by) / 2 + halfPx + 1,
  });
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const t = Math.max(0, Math.min(1, ((x - x0) * bx + (y - y0) * by) / length2));
      const d = Math.hypot(x - x0 - t * bx, y - y0 - t * by) - halfPx;
      if (d < 0.5) paint(y * canvas.widthPx + x, x, y, d < -0.5 ? 1 : 0.5 - d);
    }
  }
}
