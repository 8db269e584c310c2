import type { BoxXyxyPx } from "../dataset.js";
import type { AerialScene, Obstacle, Road, Tint, Vehicle } from "./aerial-scene.js";
import { rectAround, type Canvas } from "./canvas.kernel.js";
import { noiseTables, sampleNoise } from "./noise.kernel.js";

/** Paints the land: plots with furrows, a darker strip where two meet. */
export function paintLand(canvas: Canvas, { angle, columns }: AerialScene): void {
  const { widthPx: w, heightPx: h, luma, red, blue } = canvas;
  const { clouds, grain } = noiseTables();
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  let column = 0;
  let row = 0;
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      const u = (x - w / 2) * c + (y - h / 2) * s;
      const v = -(x - w / 2) * s + (y - h / 2) * c;
      // The neighbour's plot is nearly always this one's as well.
      while (column > 0 && u < columns[column]!.at) column--;
      while (column < columns.length - 1 && u >= columns[column + 1]!.at) column++;
      const { at, rows, plots } = columns[column]!;
      if (row >= rows.length) row = rows.length - 1;
      while (row > 0 && v < rows[row]!) row--;
      while (row < rows.length - 1 && v >= rows[row + 1]!) row++;
      const plot = plots[row]!;
      const edge = Math.min(u - at, v - rows[row]!);
      let value =
        1 +
        plot.clouds * sampleNoise(clouds, u * 0.35 + at, v * 0.35) +
        0.05 * grain[((y & 255) << 8) + (x & 255)]!;
      if (plot.furrowGain > 0)
        value +=
          plot.furrowGain * Math.sin(((u * plot.cos + v * plot.sin) * 2 * Math.PI) / plot.furrowPx);
      if (edge < 3 && edge > -3) value *= 0.8;
      luma[i] = plot.tone * value;
      red[i] = plot.red;
      blue[i] = plot.blue;
    }
  }
}

/** Paints a road with verges and, if it has them, a dashed middle line and edge lines. */
export function paintRoad(canvas: Canvas, road: Road): void {
  const { widthPx: w, heightPx: h, luma, red, blue } = canvas;
  const { clouds, grain } = noiseTables();
  const c = Math.cos(road.angle);
  const s = Math.sin(road.angle);
  const half = road.halfWidthPx;
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      const across = (y - road.y) * c - (x - road.x) * s;
      const d = Math.abs(across) - half;
      if (d > 4) continue;
      if (d > 0.5) {
        luma[i] = luma[i]! * 0.6 + 0.4 * 0.5;
        red[i]! *= 0.6;
        blue[i]! *= 0.6;
        continue;
      }
      const along = (x - road.x) * c + (y - road.y) * s;
      let value =
        road.tone *
        (1 +
          0.05 * grain[(((y + 91) & 255) << 8) + ((x + 17) & 255)]! +
          0.06 * sampleNoise(clouds, along * 0.2, across * 0.9));
      if (road.marked) {
        const dash = ((along % 26) + 26) % 26 < 13;
        const middle = Math.abs(across) - 0.8;
        const rim = Math.abs(Math.abs(across) - half + 2.5) - 0.6;
        if ((dash && middle < 0.5) || rim < 0.5) value = Math.max(value, 0.72);
      }
      const cover = d < -0.5 ? 1 : 0.5 - d;
      luma[i] = luma[i]! * (1 - cover) + value * cover;
      red[i]! *= 1 - cover;
      blue[i]! *= 1 - cover;
    }
  }
}

export function paintObstacle(
  canvas: Canvas,
  item: Obstacle,
  light: { lightX: number; lightY: number },
): void {
  if (item.kind === "tree") paintTree(canvas, item, light);
  else paintHouse(canvas, item, light);
}

function paintTree(
  canvas: Canvas,
  { x: cx, y: cy, radiusPx, noiseX, tone }: Extract<Obstacle, { kind: "tree" }>,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const { clouds } = noiseTables();
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: radiusPx * 2.2 + 2 });
  const lobe = (dx: number, dy: number): number =>
    Math.sqrt(dx * dx + dy * dy) / radiusPx +
    0.12 * sampleNoise(clouds, noiseX + dx * 2.4, noiseX + dy * 2.4);
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const i = y * canvas.widthPx + x;
      const dx = x - cx;
      const dy = y - cy;
      if (lobe(dx - lightX * radiusPx * 0.8, dy - lightY * radiusPx * 0.8) < 1)
        canvas.luma[i]! *= 0.5;
      const q = lobe(dx, dy);
      if (q >= 1) continue;
      const lit =
        1 -
        (0.45 * (dx * lightX + dy * lightY)) / radiusPx +
        0.25 * sampleNoise(clouds, noiseX + dx * 6, dy * 6);
      canvas.luma[i] = tone * Math.max(0.3, lit);
      canvas.red[i] = -0.25;
      canvas.blue[i] = -0.45;
    }
  }
}

function paintHouse(
  canvas: Canvas,
  house: Extract<Obstacle, { kind: "house" }>,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const { x: cx, y: cy, angle, lengthPx, widthPx, tone, red, blue } = house;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: lengthPx + 14 });
  const inside = (dx: number, dy: number): boolean =>
    Math.abs(dx * c + dy * s) < lengthPx / 2 && Math.abs(-dx * s + dy * c) < widthPx / 2;
  // The roof's two halves face the light differently.
  const slope = 0.22 * Math.sign(-s * lightX + c * lightY);
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const i = y * canvas.widthPx + x;
      const dx = x - cx;
      const dy = y - cy;
      if (inside(dx, dy)) {
        const v = -dx * s + dy * c;
        const tiles = 1 + 0.05 * Math.sin((dx * c + dy * s) * 1.6);
        canvas.luma[i] = tone * tiles * (1 - slope * Math.sign(v));
        canvas.red[i] = red;
        canvas.blue[i] = blue;
      } else if (inside(dx - lightX * 9, dy - lightY * 9)) canvas.luma[i]! *= 0.5;
    }
  }
}

/** Darkens the ground beside a vehicle. */
export function paintVehicleShadow(
  canvas: Canvas,
  vehicle: Vehicle,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const reach = vehicle.kind === "car" ? 2.6 : 4.6;
  forVehicle(
    canvas,
    { ...vehicle, x: vehicle.x + lightX * reach, y: vehicle.y + lightY * reach },
    (i, d) => {
      canvas.luma[i]! *= 1 - 0.5 * Math.max(0, Math.min(1, 0.5 - d / 2));
    },
  );
}

/** Paints a vehicle. @returns the box of the pixels that it covers by half or more, clipped to the frame */
export function paintVehicle(canvas: Canvas, vehicle: Vehicle): BoxXyxyPx | undefined {
  const { kind, lengthPx: l, widthPx: w } = vehicle;
  const box = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  forVehicle(canvas, vehicle, (i, d, u, v, x, y) => {
    if (d >= 0.5) return;
    const cover = d <= -0.5 ? 1 : 0.5 - d;
    const at = u / l;
    const tint = bodyTint(kind, vehicle, at, Math.abs(v) / w);
    canvas.luma[i] = canvas.luma[i]! * (1 - cover) + tint.tone * cover;
    canvas.red[i] = canvas.red[i]! * (1 - cover) + tint.red * cover;
    canvas.blue[i] = canvas.blue[i]! * (1 - cover) + tint.blue * cover;
    if (cover < 0.5) return;
    if (x < box.xMin) box.xMin = x;
    if (y < box.yMin) box.yMin = y;
    if (x + 1 > box.xMax) box.xMax = x + 1;
    if (y + 1 > box.yMax) box.yMax = y + 1;
  });
  return box.xMax > box.xMin ? box : undefined;
}

const GLASS: Tint = { tone: 0.1, red: -0.1, blue: 0.25 };

/** Colour by place on the vehicle: `at` along it (nose 0.5), `off` from its middle line, both in shares. */
function bodyTint(kind: Vehicle["kind"], body: Vehicle, at: number, off: number): Tint {
  if (kind === "car") {
    if ((at > 0.1 && at < 0.25) || (at > -0.38 && at < -0.27)) return off < 0.4 ? GLASS : body;
    return { ...body, tone: body.tone * (at > -0.27 && at < 0.1 ? 1.06 : 0.94) };
  }
  if (kind === "truck") {
    if (at > 0.27) return at > 0.4 ? GLASS : { tone: 0.45, red: 0.15, blue: -0.1 };
    if (at > 0.23) return { tone: 0.08, red: 0, blue: 0 };
    return { ...body, tone: body.tone * (off > 0.4 ? 0.85 : 1) };
  }
  if (at > 0.44) return GLASS;
  const hatch = Math.abs(Math.abs(at) - 0.2) < 0.05 && off < 0.22;
  return { ...body, tone: body.tone * (hatch ? 0.6 : off > 0.4 ? 0.8 : 1) };
}

function forVehicle(
  canvas: Canvas,
  { x: cx, y: cy, angle, lengthPx, widthPx }: Vehicle,
  visit: (i: number, distance: number, u: number, v: number, x: number, y: number) => void,
): void {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const corner = widthPx * 0.22;
  const rect = rectAround(canvas, { x: cx, y: cy, radiusX: lengthPx * 0.6 + 4 });
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const u = (x - cx) * c + (y - cy) * s;
      const v = -(x - cx) * s + (y - cy) * c;
      const qu = Math.abs(u) - lengthPx / 2 + corner;
      const qv = Math.abs(v) - widthPx / 2 + corner;
      const d =
        Math.hypot(Math.max(qu, 0), Math.max(qv, 0)) + Math.min(Math.max(qu, qv), 0) - corner;
      if (d < 1.5) visit(y * canvas.widthPx + x, d, u, v, x, y);
    }
  }
}
