import { createRng, type Rng } from "../../base/index.js";

export const AERIAL_FRAME = { widthPx: 640, heightPx: 640 } as const;

/** Classes of the rendered aerial set, in the order of their ids. */
export const AERIAL_CLASSES = ["car", "truck", "bus"] as const;

/** A colour as luminance and ratios of red and blue to it. */
export interface Tint {
  tone: number;
  red: number;
  blue: number;
}

/** A plot of land: furrows run along its own angle. */
export interface Plot extends Tint {
  furrowGain: number;
  furrowPx: number;
  cos: number;
  sin: number;
  clouds: number;
}

export interface Road {
  x: number;
  y: number;
  angle: number;
  halfWidthPx: number;
  tone: number;
  marked: boolean;
}

/** A vehicle seen from above; `angle` is where its nose points. */
export interface Vehicle extends Tint {
  kind: (typeof AERIAL_CLASSES)[number];
  x: number;
  y: number;
  angle: number;
  lengthPx: number;
  widthPx: number;
}

/** What is not a vehicle: trees and houses. */
export type Obstacle =
  | { kind: "tree"; x: number; y: number; radiusPx: number; noiseX: number; tone: number }
  | ({
      kind: "house";
      x: number;
      y: number;
      angle: number;
      lengthPx: number;
      widthPx: number;
    } & Tint);

export interface AerialScene {
  angle: number;
  /** Borders of columns across the frame, and of the plots within each, in frame pixels along the turned axes. */
  columns: readonly { at: number; rows: readonly number[]; plots: readonly Plot[] }[];
  roads: readonly Road[];
  obstacles: readonly Obstacle[];
  vehicles: readonly Vehicle[];
  lightX: number;
  lightY: number;
  level: number;
  tiltX: number;
  tiltY: number;
  softness: number;
  noise: number;
}

const GROUND = [
  { tone: 0.36, red: -0.12, blue: -0.42 },
  { tone: 0.3, red: -0.22, blue: -0.45 },
  { tone: 0.5, red: 0.14, blue: -0.38 },
  { tone: 0.42, red: 0.2, blue: -0.3 },
  { tone: 0.44, red: -0.05, blue: -0.5 },
] as const;

const PAINT = [
  { tone: 0.85, red: 0, blue: 0 },
  { tone: 0.85, red: 0, blue: 0.02 },
  { tone: 0.12, red: 0, blue: 0.04 },
  { tone: 0.5, red: 0, blue: 0.03 },
  { tone: 0.3, red: 0.02, blue: 0.02 },
  { tone: 0.2, red: 1.4, blue: -0.1 },
  { tone: 0.25, red: -0.45, blue: 0.9 },
  { tone: 0.6, red: 0.25, blue: -0.6 },
] as const;

/** Draws the scene of frame `index`; the same seed and index give the same scene. */
export function sampleAerialScene(seed: number | string, index: number): AerialScene {
  const rng = createRng(`aerial/${String(seed)}/${String(index)}`);
  const light = rng.uniform(0, 2 * Math.PI);
  const angle = rng.uniform(0, Math.PI / 2);
  const roads = sampleRoads(rng.fork("roads"), angle);
  const vehicles = sampleVehicles(rng.fork("vehicles"), roads);
  return {
    angle,
    columns: sampleColumns(rng.fork("plots")),
    roads,
    vehicles,
    obstacles: sampleObstacles(rng.fork("obstacles"), roads, vehicles),
    lightX: Math.cos(light),
    lightY: Math.sin(light),
    level: rng.uniform(0.85, 1.15),
    tiltX: rng.uniform(-0.15, 0.15),
    tiltY: rng.uniform(-0.15, 0.15),
    softness: rng.uniform(0.2, 0.7),
    noise: rng.uniform(1.5, 4.5),
  };
}

function sampleColumns(rng: Rng): AerialScene["columns"] {
  const borders = (least: number, most: number): number[] => {
    const out: number[] = [];
    for (let at = -500; at < 500; at += rng.uniform(least, most)) out.push(at);
    return out;
  };
  return borders(110, 260).map((at) => {
    const rows = borders(90, 300);
    const plots = rows.map((): Plot => {
      const ground = rng.pick(GROUND);
      const along = rng.pick([0, Math.PI / 2]) + rng.normal(0, 0.05);
      return {
        tone: ground.tone * rng.uniform(0.85, 1.15),
        red: ground.red + rng.normal(0, 0.03),
        blue: ground.blue + rng.normal(0, 0.03),
        furrowGain: rng.next() < 0.7 ? rng.uniform(0.03, 0.14) : 0,
        furrowPx: rng.uniform(4, 11),
        cos: Math.cos(along),
        sin: Math.sin(along),
        clouds: rng.uniform(0.04, 0.12),
      };
    });
    return { at, rows, plots };
  });
}

function sampleRoads(rng: Rng, angle: number): Road[] {
  const road = (turn: number): Road => ({
    x: AERIAL_FRAME.widthPx * rng.uniform(0.2, 0.8),
    y: AERIAL_FRAME.heightPx * rng.uniform(0.2, 0.8),
    angle: angle + turn + rng.normal(0, 0.12),
    halfWidthPx: rng.uniform(13, 21),
    tone: rng.uniform(0.3, 0.46),
    marked: rng.next() < 0.8,
  });
  const roads = [road(0)];
  if (rng.next() < 0.7) roads.push(road(Math.PI / 2));
  if (rng.next() < 0.3) roads.push(road(rng.uniform(0.5, 1)));
  return roads;
}

function sampleVehicles(rng: Rng, roads: readonly Road[]): Vehicle[] {
  const vehicles: Vehicle[] = [];
  // One height of flight a frame, so that vehicles keep their proportions to each other.
  const scale = rng.uniform(0.75, 1.25);
  const { widthPx: w, heightPx: h } = AERIAL_FRAME;
  for (let wanted = 4 + rng.int(16); wanted > 0; wanted--) {
    const road = rng.pick(roads);
    const kind = rng.pick(["car", "car", "car", "car", "truck", "bus"] as const);
    const lengthPx =
      scale *
      { car: rng.uniform(14, 18), truck: rng.uniform(24, 31), bus: rng.uniform(29, 32) }[kind];
    const widthPx =
      scale *
      { car: rng.uniform(6.5, 8), truck: rng.uniform(8.5, 10), bus: rng.uniform(8.5, 9.5) }[kind];
    for (let attempt = 0; attempt < 20; attempt++) {
      const along = rng.uniform(-450, 450);
      const side = rng.pick([-1, 1]);
      const across = side * road.halfWidthPx * rng.uniform(0.42, 0.58);
      const x = road.x + along * Math.cos(road.angle) - across * Math.sin(road.angle);
      const y = road.y + along * Math.sin(road.angle) + across * Math.cos(road.angle);
      if (x < 12 || y < 12 || x > w - 12 || y > h - 12) continue;
      if (vehicles.some((v) => Math.hypot(v.x - x, v.y - y) < (v.lengthPx + lengthPx) * 0.6))
        continue;
      const nose = road.angle + (side > 0 ? 0 : Math.PI) + rng.normal(0, 0.03);
      const paint = kind === "bus" ? rng.pick(PAINT.slice(5)) : rng.pick(PAINT);
      vehicles.push({
        kind,
        x,
        y,
        angle: nose,
        lengthPx,
        widthPx,
        ...paint,
        tone: paint.tone * rng.uniform(0.9, 1.1),
      });
      break;
    }
  }
  return vehicles;
}

function sampleObstacles(
  rng: Rng,
  roads: readonly Road[],
  vehicles: readonly Vehicle[],
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const { widthPx: w, heightPx: h } = AERIAL_FRAME;
  const free = (x: number, y: number, reach: number): boolean =>
    roads.every(
      (r) =>
        Math.abs((y - r.y) * Math.cos(r.angle) - (x - r.x) * Math.sin(r.angle)) >
        r.halfWidthPx + reach,
    ) && vehicles.every((v) => Math.hypot(v.x - x, v.y - y) > v.lengthPx + reach);
  for (let i = 6 + rng.int(22); i > 0; i--) {
    const tree = {
      kind: "tree",
      x: rng.uniform(0, w),
      y: rng.uniform(0, h),
      radiusPx: rng.uniform(5, 15),
    } as const;
    if (free(tree.x, tree.y, tree.radiusPx * 1.1))
      obstacles.push({ ...tree, noiseX: rng.uniform(0, 256), tone: rng.uniform(0.14, 0.26) });
  }
  for (let i = rng.int(5); i > 0; i--) {
    const x = rng.uniform(0, w);
    const y = rng.uniform(0, h);
    const lengthPx = rng.uniform(34, 70);
    const roof = rng.pick([
      { tone: 0.3, red: 0.6, blue: -0.3 },
      { tone: 0.5, red: 0, blue: 0.02 },
    ]);
    if (free(x, y, lengthPx * 0.65))
      obstacles.push({
        kind: "house",
        x,
        y,
        angle: rng.uniform(0, Math.PI),
        lengthPx,
        widthPx: lengthPx * rng.uniform(0.5, 0.8),
        ...roof,
      });
  }
  return obstacles;
}
