import { type Rng } from "../../base/index.js";

/** A cut-out that a part should have: a candidate for `missing-feature`. Local pixels; `angle` in radians. */
export interface LineFeature {
  kind: "hole" | "slot" | "notch";
  u: number;
  v: number;
  radiusPx: number;
  /** Half the straight length of a slot or notch along `angle`; 0 for a hole. */
  halfLengthPx: number;
  angle: number;
}

/** Outline in local pixels, before its cut-outs. An `ell` is the union of two arms that share a corner. */
export type LineOutline =
  | { kind: "disc"; radiusPx: number }
  | { kind: "rect"; halfWidthPx: number; halfHeightPx: number; cornerPx: number }
  | { kind: "ell"; halfWidthPx: number; halfHeightPx: number; armPx: number; cornerPx: number };

/** Surface of a part. Lengths in pixels, angles in radians in the part's own frame. */
export interface LineFinish {
  kind: "brushed" | "turned";
  angle: number;
  tone: number;
  red: number;
  blue: number;
  texture: number;
  clouds: number;
  noiseX: number;
  noiseY: number;
  /** Highlight that runs across the brushing. */
  streakGain: number;
  streakAtPx: number;
  streakWidthPx: number;
  /** Milling arcs: amplitude 0 for none. */
  millGain: number;
  millPeriodPx: number;
  millU: number;
  millV: number;
}

export interface LinePart {
  shape: "washer" | "bracket" | "plate";
  x: number;
  y: number;
  angle: number;
  /** Radius of a circle that holds the part. */
  reachPx: number;
  outline: LineOutline;
  /** Cut-outs that may be missing. */
  features: readonly LineFeature[];
  /** A bore that is always there. */
  bore?: LineFeature;
  finish: LineFinish;
  /** Height above the belt as the shadow's length in pixels. */
  liftPx: number;
}

/** Smallest radius of a cut-out, so that a missing one is still seen at half size. */
const SMALLEST_RADIUS_PX = 8.5;

const hole = (u: number, v: number, radiusPx: number): LineFeature => ({
  kind: "hole",
  u,
  v,
  radiusPx,
  halfLengthPx: 0,
  angle: 0,
});

/** A part of a random shape around the origin; the caller places it. */
export function sampleLinePart(rng: Rng, reachPx: number): LinePart {
  const shape = rng.pick(["washer", "washer", "bracket", "plate"] as const);
  const body =
    shape === "washer"
      ? washer(rng, reachPx)
      : shape === "plate"
        ? plate(rng, reachPx)
        : bracket(rng, reachPx);
  return {
    shape,
    x: 0,
    y: 0,
    angle: rng.uniform(0, 2 * Math.PI),
    reachPx,
    liftPx: rng.uniform(3, 8),
    finish: sampleFinish(rng, shape, reachPx),
    ...body,
  };
}

type Body = Pick<LinePart, "outline" | "features" | "bore">;

/** A disc with a bore and a ring of holes, or of notches in the rim. */
function washer(rng: Rng, radiusPx: number): Body {
  const notched = rng.next() < 0.35;
  const size = Math.max(SMALLEST_RADIUS_PX, radiusPx * rng.uniform(0.11, 0.15));
  const pitch = notched ? radiusPx - size * 0.35 : radiusPx * rng.uniform(0.64, 0.7);
  const most = Math.floor((2 * Math.PI * pitch) / (size * 3.1));
  const count = Math.max(4, Math.min(most, 4 + rng.int(5)));
  const turn = rng.uniform(0, 2 * Math.PI);
  const features = Array.from({ length: count }, (_, i): LineFeature => {
    const at = turn + (2 * Math.PI * i) / count;
    const place = hole(pitch * Math.cos(at), pitch * Math.sin(at), size);
    return notched
      ? { ...place, kind: "notch", radiusPx: size * 0.85, halfLengthPx: size * 0.55, angle: at }
      : place;
  });
  const bore = hole(0, 0, radiusPx * (notched ? rng.uniform(0.3, 0.45) : rng.uniform(0.22, 0.34)));
  return { outline: { kind: "disc", radiusPx }, features, bore };
}

/** A rounded rectangle with holes near its corners, a middle slot, and sometimes notches in its long sides. */
function plate(rng: Rng, reachPx: number): Body {
  const halfWidthPx = reachPx * rng.uniform(0.78, 0.86);
  const halfHeightPx = Math.sqrt(reachPx ** 2 - halfWidthPx ** 2);
  const r = Math.max(SMALLEST_RADIUS_PX, reachPx * rng.uniform(0.085, 0.11));
  const inset = r + Math.max(7, reachPx * 0.08);
  const u = halfWidthPx - inset;
  const v = halfHeightPx - inset;
  const features = [hole(-u, -v, r), hole(u, -v, r), hole(u, v, r), hole(-u, v, r)];
  const half = Math.min(reachPx * rng.uniform(0.14, 0.24), 42 - r);
  if (rng.next() < 0.6)
    features.push({ kind: "slot", u: 0, v: 0, radiusPx: r * 0.95, halfLengthPx: half, angle: 0 });
  else features.push(hole(-u * 0.36, 0, r), hole(u * 0.36, 0, r));
  if (rng.next() < 0.55)
    for (const side of [-1, 1])
      features.push({
        kind: "notch",
        u: 0,
        v: side * (halfHeightPx - r * 0.3),
        radiusPx: r * 0.85,
        halfLengthPx: r * 0.5,
        angle: Math.PI / 2,
      });
  return {
    outline: { kind: "rect", halfWidthPx, halfHeightPx, cornerPx: reachPx * 0.09 },
    features,
  };
}

/** Two arms at a right angle, each with a row of holes. */
function bracket(rng: Rng, reachPx: number): Body {
  const halfWidthPx = reachPx * rng.uniform(0.7, 0.8);
  const halfHeightPx = Math.sqrt(reachPx ** 2 - halfWidthPx ** 2);
  const armPx = reachPx * rng.uniform(0.5, 0.6);
  const r = Math.max(SMALLEST_RADIUS_PX, armPx * rng.uniform(0.19, 0.25));
  const middleV = halfHeightPx - armPx / 2;
  const middleU = -halfWidthPx + armPx / 2;
  const features = [hole(middleU, middleV, r)];
  const step = Math.max(r * 3.1, reachPx * 0.42);
  for (let u = middleU + step; u <= halfWidthPx - r * 1.7; u += step)
    features.push(hole(u, middleV, r));
  for (let v = middleV - step; v >= -halfHeightPx + r * 1.7; v -= step)
    features.push(hole(middleU, v, r));
  return {
    outline: { kind: "ell", halfWidthPx, halfHeightPx, armPx, cornerPx: reachPx * 0.07 },
    features,
  };
}

function sampleFinish(rng: Rng, shape: LinePart["shape"], reachPx: number): LineFinish {
  const metal = rng.pick([
    { tone: [0.5, 0.68], red: -0.02, blue: 0.03 },
    { tone: [0.52, 0.66], red: 0.02, blue: -0.03 },
    { tone: [0.4, 0.52], red: -0.03, blue: 0.06 },
    { tone: [0.46, 0.58], red: 0.13, blue: -0.26 },
    { tone: [0.28, 0.38], red: -0.01, blue: 0.02 },
  ] as const);
  const turned = shape === "washer" && rng.next() < 0.65;
  return {
    kind: turned ? "turned" : "brushed",
    angle: turned ? rng.uniform(0, Math.PI) : rng.pick([0, Math.PI / 2]) + rng.normal(0, 0.08),
    tone: rng.uniform(metal.tone[0], metal.tone[1]),
    red: metal.red + rng.normal(0, 0.012),
    blue: metal.blue + rng.normal(0, 0.015),
    texture: rng.uniform(0.022, 0.055),
    clouds: rng.uniform(0.01, 0.035),
    noiseX: rng.uniform(0, 256),
    noiseY: rng.uniform(0, 256),
    streakGain: rng.uniform(0.06, 0.36),
    streakAtPx: rng.uniform(-0.5, 0.5) * reachPx,
    streakWidthPx: rng.uniform(0.14, 0.4) * reachPx,
    millGain: !turned && rng.next() < 0.35 ? rng.uniform(0.012, 0.03) : 0,
    millPeriodPx: rng.uniform(5, 10),
    millU: rng.uniform(-1, 1) * reachPx,
    millV: rng.uniform(2, 4) * reachPx,
  };
}
