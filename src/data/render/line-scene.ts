import { createRng, type Rng } from "../../base/index.js";
import { sampleDefects } from "./line-defect-placement.js";
import type { LineDefect } from "./line-defect.kernel.js";
import { partDistance, toFrame } from "./line-distance.kernel.js";
import type { LineDistractor, PrintStroke } from "./line-distractor.kernel.js";
import { sampleLinePart, type LinePart } from "./line-part.js";
import type { BeltLook } from "./line-surface.kernel.js";

export const LINE_FRAME = { widthPx: 512, heightPx: 384 } as const;

/** Everything a line frame shows, before a pixel is painted. */
export interface LineScene {
  belt: BeltLook;
  parts: readonly LinePart[];
  defects: readonly LineDefect[];
  /** Marks and stains; `part` says on whose metal, absent: on whatever is there. */
  distractors: readonly { item: LineDistractor; part?: number }[];
  /** Unit vector towards which shadows fall. */
  lightX: number;
  lightY: number;
  shadow: number;
  light: {
    level: number;
    tiltX: number;
    tiltY: number;
    spots: readonly { x: number; y: number; radiusPx: number; gain: number }[];
    vignette: number;
  };
  softness: number;
  motionPx: number;
  noise: number;
}

/** Draws the scene of frame `index`; the same seed and index give the same scene. */
export function sampleLineScene(seed: number | string, index: number): LineScene {
  const rng = createRng(`line/${String(seed)}/${String(index)}`);
  const camera = rng.fork("camera");
  const parts = placeParts(rng.fork("parts"));
  const defects = sampleDefects(rng.fork("defects"), parts);
  const angle = camera.uniform(0, 2 * Math.PI);
  return {
    belt: sampleBelt(rng.fork("belt")),
    parts,
    defects,
    distractors: sampleDistractors(rng.fork("distractors"), parts, defects),
    lightX: Math.cos(angle),
    lightY: Math.sin(angle),
    shadow: camera.uniform(0.35, 0.62),
    light: {
      level: camera.uniform(0.88, 1.16),
      tiltX: camera.uniform(-0.4, 0.4),
      tiltY: camera.uniform(-0.26, 0.26),
      spots: Array.from({ length: 1 + camera.int(2) }, () => ({
        x: camera.uniform(0, LINE_FRAME.widthPx),
        y: camera.uniform(0, LINE_FRAME.heightPx),
        radiusPx: camera.uniform(90, 220),
        gain: camera.uniform(-0.12, 0.34),
      })),
      vignette: camera.uniform(0.12, 0.42),
    },
    softness: camera.uniform(0.25, 0.8),
    motionPx: camera.next() < 0.4 ? camera.uniform(1.3, 3) : 1,
    noise: camera.uniform(2, 5.5),
  };
}

function sampleBelt(rng: Rng): BeltLook {
  const look = rng.pick([
    { tone: [0.17, 0.26], red: -0.2, blue: -0.06 },
    { tone: [0.19, 0.3], red: -0.18, blue: 0.24 },
    { tone: [0.12, 0.2], red: 0.01, blue: 0.03 },
    { tone: [0.28, 0.4], red: 0.03, blue: -0.03 },
    { tone: [0.42, 0.56], red: 0.03, blue: -0.06 },
    { tone: [0.46, 0.6], red: -0.06, blue: 0.06 },
  ] as const);
  return {
    tone: rng.uniform(look.tone[0], look.tone[1]),
    red: look.red + rng.normal(0, 0.02),
    blue: look.blue + rng.normal(0, 0.02),
    weavePx: rng.uniform(4, 7.5),
    weaveGain: rng.next() < 0.7 ? rng.uniform(0.05, 0.16) : 0,
    grain: rng.uniform(0.05, 0.1),
    clouds: rng.uniform(0.04, 0.12),
    noiseX: rng.uniform(0, 255),
    noiseY: rng.uniform(0, 255),
    scuffGain: rng.uniform(0, 0.22),
    seamSlope: rng.uniform(-0.5, 0.5),
    ...(rng.next() < 0.22 ? { seamX: rng.uniform(0, LINE_FRAME.widthPx) } : {}),
  };
}

/** One large part, or up to four smaller ones that do not touch. */
function placeParts(rng: Rng): LinePart[] {
  const { widthPx: w, heightPx: h } = LINE_FRAME;
  const wanted = rng.pick([1, 1, 2, 2, 2, 3, 3, 4]);
  const [least, most] = (
    { 1: [124, 172], 2: [100, 132], 3: [82, 104], 4: [74, 92] } as Record<number, [number, number]>
  )[wanted] ?? [82, 104];
  // A tray holds one kind of part, now and then two.
  const parts: LinePart[] = [];
  const kinds = [0, 1].map((kind) => `kind/${String(kind)}`);
  for (let i = 0; i < wanted; i++) {
    const kind = rng.next() < 0.3 ? 1 : 0;
    const scale = rng.uniform(0.94, 1.06);
    for (let attempt = 0; attempt < 40; attempt++) {
      const base = rng.fork(kinds[kind] ?? "kind/0");
      const reachPx = base.uniform(least, most) * scale;
      const part = sampleLinePart(base, reachPx);
      const slack = reachPx * 0.86;
      const x = rng.uniform(Math.min(slack, w / 2), Math.max(w - slack, w / 2));
      const y = rng.uniform(Math.min(slack, h / 2), Math.max(h - slack, h / 2));
      const free = parts.every(
        (p) => Math.hypot(p.x - x, p.y - y) > (p.reachPx + reachPx) * 0.98 + 6,
      );
      if (!free) continue;
      const finish = {
        ...part.finish,
        noiseX: rng.uniform(0, 256),
        noiseY: rng.uniform(0, 256),
        tone: part.finish.tone * rng.uniform(0.95, 1.05),
        streakAtPx: rng.uniform(-0.6, 0.6) * reachPx,
      };
      parts.push({ ...part, x, y, angle: rng.uniform(0, 2 * Math.PI), finish });
      break;
    }
  }
  return parts;
}

function sampleDistractors(
  rng: Rng,
  parts: readonly LinePart[],
  defects: readonly LineDefect[],
): LineScene["distractors"] {
  const out: { item: LineDistractor; part?: number }[] = [];
  const { widthPx: w, heightPx: h } = LINE_FRAME;
  for (let i = rng.int(3); i > 0; i--)
    out.push({
      item: {
        kind: "oil",
        x: rng.uniform(0, w),
        y: rng.uniform(0, h),
        radiusPx: rng.uniform(14, 48),
        strength: rng.uniform(0.08, 0.26),
        noiseX: rng.uniform(0, 256),
      },
    });
  for (const [index, part] of parts.entries()) {
    const own = defects.filter((d) => d.part === index);
    const kinds = (["code", "print", "ticks", "stamp"] as const).filter(
      (kind) => rng.next() < (kind === "ticks" ? 0.4 : 0.3),
    );
    for (const kind of kinds) {
      const marks = out.flatMap(({ item, part: on }) => (on === index ? [item] : []));
      const item = sampleMark(rng, kind, part, own, marks);
      if (item !== undefined) out.push({ item, part: index });
    }
    if (rng.next() < 0.35) {
      const at = toFrame(
        part,
        rng.uniform(-0.6, 0.6) * part.reachPx,
        rng.uniform(-0.6, 0.6) * part.reachPx,
      );
      out.push({
        part: index,
        item: {
          kind: "oil",
          ...at,
          radiusPx: rng.uniform(10, 0.4 * part.reachPx),
          strength: rng.uniform(0.07, 0.2),
          noiseX: rng.uniform(0, 256),
        },
      });
    }
  }
  for (let i = 4 + rng.int(14); i > 0; i--)
    out.push({
      item: {
        kind: "dust",
        x: rng.uniform(0, w),
        y: rng.uniform(0, h),
        radiusPx: rng.uniform(0.7, 2),
        strength: rng.pick([-1, 1, 1]) * rng.uniform(0.06, 0.2),
      },
    });
  if (rng.next() < 0.35)
    out.push({
      item: {
        kind: "fibre",
        x: rng.uniform(0, w),
        y: rng.uniform(0, h),
        angle: rng.uniform(0, 2 * Math.PI),
        lengthPx: rng.uniform(14, 36),
        bend: rng.uniform(-2.5, 2.5),
        strength: rng.pick([0.06, 0.7]),
      },
    });
  return out;
}

/** A mark on a part's metal where it has room and neither defect nor other mark lies. */
function sampleMark(
  rng: Rng,
  kind: "code" | "print" | "ticks" | "stamp",
  part: LinePart,
  defects: readonly LineDefect[],
  marks: readonly LineDistractor[],
): LineDistractor | undefined {
  const cut = [...part.features, ...(part.bore === undefined ? [] : [part.bore])];
  const cells = rng.pick([8, 10]);
  const cellPx = rng.uniform(2, 2.7);
  const glyphs = 3 + rng.int(3);
  const heightPx = rng.uniform(9, 14);
  const count = 4 + rng.int(5);
  const pitchPx = rng.uniform(5, 8);
  const radiusPx = rng.uniform(8, 13);
  const roomPx = {
    code: (cells * cellPx) / 1.7,
    print: heightPx * (0.25 + glyphs * 0.22),
    ticks: (count * pitchPx) / 2.2,
    stamp: radiusPx + 1,
  }[kind];
  for (let attempt = 0; attempt < 30; attempt++) {
    const u = rng.uniform(-0.85, 0.85) * part.reachPx;
    const v = rng.uniform(-0.85, 0.85) * part.reachPx;
    const { x, y } = toFrame(part, u, v);
    if (partDistance(part, cut, x, y) > -roomPx * 0.8) continue;
    if (defects.some((d) => distanceToDefect(part, d, x, y) < roomPx + 12)) continue;
    if (marks.some((m) => m.kind !== "oil" && Math.hypot(m.x - x, m.y - y) < roomPx + 22)) continue;
    const angle = part.angle + rng.pick([0, Math.PI / 2, Math.PI, -Math.PI / 2]);
    const ink = rng.uniform(0.28, 0.62);
    switch (kind) {
      case "code": {
        const bits = Array.from({ length: cells * cells }, () => rng.next() < 0.5);
        return { kind, x, y, angle, cells, cellPx, ink, bits };
      }
      case "print":
        return { kind, x, y, angle, heightPx, ink, strokes: sampleText(rng, glyphs) };
      case "ticks": {
        const lengthPx = rng.uniform(9, 18);
        return { kind, x, y, angle, count, pitchPx, lengthPx, depth: rng.uniform(0.1, 0.24) };
      }
      case "stamp":
        return { kind, x, y, radiusPx, ink: ink * 0.8, strokes: sampleText(rng, 1) };
    }
  }
  return undefined;
}

function distanceToDefect(part: LinePart, defect: LineDefect, x: number, y: number): number {
  const points =
    defect.kind === "scratch"
      ? defect.path
      : defect.kind === "pit"
        ? defect.craters
        : [toFrame(part, defect.feature.u, defect.feature.v)];
  return Math.min(...points.map((p) => Math.hypot(p.x - x, p.y - y)));
}

/** Segments of a seven-segment digit, in glyph heights, centred on the middle of its left edge. */
const SEGMENTS: readonly PrintStroke[] = [
  { ax: 0, ay: -0.5, bx: 0.5, by: -0.5 },
  { ax: 0.5, ay: -0.5, bx: 0.5, by: 0 },
  { ax: 0.5, ay: 0, bx: 0.5, by: 0.5 },
  { ax: 0, ay: 0.5, bx: 0.5, by: 0.5 },
  { ax: 0, ay: 0, bx: 0, by: 0.5 },
  { ax: 0, ay: -0.5, bx: 0, by: 0 },
  { ax: 0, ay: 0, bx: 0.5, by: 0 },
];

/** Lit segments of the digits 0-9. */
const DIGITS = [
  [0, 1, 2, 3, 4, 5],
  [1, 2],
  [0, 1, 6, 4, 3],
  [0, 1, 6, 2, 3],
  [5, 6, 1, 2],
  [0, 5, 6, 2, 3],
  [0, 5, 6, 2, 3, 4],
  [0, 1, 2],
  [0, 1, 2, 3, 4, 5, 6],
  [0, 1, 2, 3, 5, 6],
] as const;

function sampleText(rng: Rng, glyphs: number): PrintStroke[] {
  const pitch = 0.82;
  return Array.from({ length: glyphs }, (_, g) => {
    const shift = (g - glyphs / 2) * pitch;
    return rng.pick(DIGITS).flatMap((segment) => {
      const stroke = SEGMENTS[segment];
      return stroke === undefined
        ? []
        : [{ ...stroke, ax: stroke.ax + shift, bx: stroke.bx + shift }];
    });
  }).flat();
}
