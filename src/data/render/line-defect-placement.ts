import { type Rng } from "../../base/index.js";
import type { LineDefect, MissingDefect, PitDefect, ScratchDefect } from "./line-defect.kernel.js";
import { partDistance, toFrame } from "./line-distance.kernel.js";
import type { LineFeature, LinePart } from "./line-part.js";

const FRAME = { widthPx: 512, heightPx: 384 };

/** How many defects a frame has: 0, 1, 2, 3, 4. */
const COUNT_WEIGHTS = [0.16, 0.3, 0.27, 0.17, 0.1] as const;

interface Claim {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Draws the defects of a frame: apart from each other, each mostly on metal and in view. */
export function sampleDefects(rng: Rng, parts: readonly LinePart[]): LineDefect[] {
  const wanted = weighted(rng, COUNT_WEIGHTS);
  const claims: Claim[] = [];
  const defects: LineDefect[] = [];
  const missing = new Set<LineFeature>();
  for (let i = 0; i < wanted && parts.length > 0; i++) {
    const kind = rng.pick(["scratch", "pit", "missing-feature"] as const);
    for (let attempt = 0; attempt < 60; attempt++) {
      const index = rng.int(parts.length);
      const part = parts[index];
      if (part === undefined) continue;
      const found =
        kind === "missing-feature"
          ? sampleMissing(rng, part, index, missing)
          : kind === "pit"
            ? samplePit(rng, part, index)
            : sampleScratch(rng, part, index);
      if (found === undefined) continue;
      const { defect, claim } = found;
      if (
        claim.x0 < 3 ||
        claim.y0 < 3 ||
        claim.x1 > FRAME.widthPx - 3 ||
        claim.y1 > FRAME.heightPx - 3
      )
        continue;
      if (
        claims.some(
          (c) =>
            claim.x0 < c.x1 + 6 &&
            c.x0 < claim.x1 + 6 &&
            claim.y0 < c.y1 + 6 &&
            c.y0 < claim.y1 + 6,
        )
      )
        continue;
      claims.push(claim);
      defects.push(defect);
      if (defect.kind === "missing-feature") missing.add(defect.feature);
      break;
    }
  }
  return defects;
}

function weighted(rng: Rng, weights: readonly number[]): number {
  let left = rng.next() * weights.reduce((a, b) => a + b, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

interface Found<D extends LineDefect> {
  defect: D;
  claim: Claim;
}

function sampleMissing(
  rng: Rng,
  part: LinePart,
  index: number,
  taken: ReadonlySet<LineFeature>,
): Found<MissingDefect> | undefined {
  // At most one a part, so that its siblings still show what should be there.
  if (part.features.some((f) => taken.has(f))) return undefined;
  const feature = rng.pick(part.features);
  const { x, y } = toFrame(part, feature.u, feature.v);
  const reach = feature.radiusPx + feature.halfLengthPx + 3;
  return {
    claim: { x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach },
    defect: {
      kind: "missing-feature",
      part: index,
      feature,
      outline: rng.uniform(0.16, 0.3),
      dimple: rng.pick([-1, 1]) * rng.uniform(0.05, 0.12),
      shift: rng.uniform(-0.1, 0.05),
      punch: feature.kind === "hole" ? rng.uniform(0, 0.2) : 0,
    },
  };
}

function cutouts(part: LinePart): readonly LineFeature[] {
  return part.bore === undefined ? part.features : [...part.features, part.bore];
}

function samplePit(rng: Rng, part: LinePart, index: number): Found<PitDefect> | undefined {
  const radiusPx = rng.uniform(8, 13);
  const place = toFrame(part, rng.uniform(-1, 1) * part.reachPx, rng.uniform(-1, 1) * part.reachPx);
  if (partDistance(part, cutouts(part), place.x, place.y) > -radiusPx * 1.25) return undefined;
  const craters = [{ ...place, radiusPx, noiseX: rng.uniform(0, 256) }];
  // Satellites overlap the crater, so that what belongs to the pit, and with it its box, is not a matter of taste.
  for (let i = rng.int(3); i > 0; i--) {
    const at = rng.uniform(0, 2 * Math.PI);
    const away = radiusPx * rng.uniform(0.7, 1);
    const small = radiusPx * rng.uniform(0.35, 0.6);
    const x = place.x + away * Math.cos(at);
    const y = place.y + away * Math.sin(at);
    if (partDistance(part, cutouts(part), x, y) > -small * 0.7) continue;
    craters.push({ x, y, radiusPx: small, noiseX: rng.uniform(0, 256) });
  }
  const claim = {
    x0: Math.min(...craters.map((c) => c.x - c.radiusPx * 1.4)),
    y0: Math.min(...craters.map((c) => c.y - c.radiusPx * 1.4)),
    x1: Math.max(...craters.map((c) => c.x + c.radiusPx * 1.4)),
    y1: Math.max(...craters.map((c) => c.y + c.radiusPx * 1.4)),
  };
  return {
    claim,
    defect: {
      kind: "pit",
      part: index,
      craters,
      dark: rng.uniform(0.24, 0.4),
      rim: rng.uniform(0.14, 0.26),
    },
  };
}

/** Smallest side of a scratch's box: a hair's breadth of box cannot be matched by overlap. */
const SCRATCH_SIDE_PX = 14;

function sampleScratch(rng: Rng, part: LinePart, index: number): Found<ScratchDefect> | undefined {
  const lengthPx = rng.uniform(30, 100);
  const steps = 10;
  const bend = rng.normal(0, 0.5);
  const heading = rng.uniform(0, 2 * Math.PI);
  const start = toFrame(part, rng.uniform(-1, 1) * part.reachPx, rng.uniform(-1, 1) * part.reachPx);
  const path = [start];
  let { x, y } = start;
  for (let k = 0; k < steps; k++) {
    const at = heading + bend * (k / steps - 0.5) + rng.normal(0, 0.09);
    x += (lengthPx / steps) * Math.cos(at);
    y += (lengthPx / steps) * Math.sin(at);
    path.push({ x, y });
  }
  const cut = cutouts(part);
  const ends = [path[0], path[steps]];
  if (ends.some((p) => p === undefined || partDistance(part, cut, p.x, p.y) > -3)) return undefined;
  const onMetal = path.filter((p) => partDistance(part, cut, p.x, p.y) < -2).length;
  if (onMetal < 0.85 * path.length) return undefined;
  const xs = path.map((p) => p.x);
  const ys = path.map((p) => p.y);
  const claim = {
    x0: Math.min(...xs) - 2,
    y0: Math.min(...ys) - 2,
    x1: Math.max(...xs) + 2,
    y1: Math.max(...ys) + 2,
  };
  const sides = [claim.x1 - claim.x0, claim.y1 - claim.y0];
  if (Math.min(...sides) < SCRATCH_SIDE_PX || Math.max(...sides) > 90) return undefined;
  return {
    claim,
    defect: {
      kind: "scratch",
      part: index,
      path,
      widthPx: rng.uniform(1.2, 2.3),
      bright: rng.uniform(0.24, 0.42),
      dark: rng.uniform(0.12, 0.24),
      noiseX: rng.uniform(0, 256),
    },
  };
}
