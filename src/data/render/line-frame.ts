import { createRng } from "../../base/index.js";
import type { Annotation, BoxXyxyPx } from "../dataset.js";
import { applyLight, blurCanvas, createCanvas, developCanvas } from "./canvas.kernel.js";
import { paintDefect, type LineDefect } from "./line-defect.kernel.js";
import { partField } from "./line-distance.kernel.js";
import { paintDistractor } from "./line-distractor.kernel.js";
import type { LineFeature, LinePart } from "./line-part.js";
import { LINE_FRAME, sampleLineScene } from "./line-scene.js";
import { paintBelt, paintMetal, paintShadow } from "./line-surface.kernel.js";

/** Classes of the rendered line-inspection set, in the order of their ids. */
export const LINE_CLASSES = ["scratch", "pit", "missing-feature"] as const;

/** A rendered picture with what is in it. */
export interface RenderedFrame {
  /** `[H, W, 3]` RGB, 8-bit. */
  pixels: Uint8Array;
  widthPx: number;
  heightPx: number;
  annotations: readonly Annotation[];
}

/** A frame of the line set: metal parts on a belt, 512x384. */
export interface LineFrame extends RenderedFrame {
  partCount: number;
}

/**
 * Renders one frame of the line-inspection set. Boxes hold the pixels that each defect visibly changed.
 * @param options.omitDefects defects left out: all, or those at these places of the full frame's annotations. The rest
 *   of the picture stays the same, noise included: what a defect-free template of the frame would be.
 */
export function renderLineFrame({
  seed,
  index,
  omitDefects = [],
}: {
  seed: number | string;
  index: number;
  omitDefects?: "all" | readonly number[];
}): LineFrame {
  const scene = sampleLineScene(seed, index);
  const canvas = createCanvas(LINE_FRAME.widthPx, LINE_FRAME.heightPx);
  const drawn = scene.defects.filter((_, i) => omitDefects !== "all" && !omitDefects.includes(i));
  const fields = scene.parts.map((part, i) => partField(canvas, part, cutOf(part, i, drawn)));
  const light = { lightX: scene.lightX, lightY: scene.lightY };
  paintBelt(canvas, scene.belt);
  for (const { item, part } of scene.distractors)
    if (part === undefined && item.kind === "oil") paintDistractor(canvas, item);
  for (const [i, part] of scene.parts.entries()) {
    const field = fields[i];
    if (field !== undefined)
      paintShadow(canvas, field, { liftPx: part.liftPx, ...light, strength: scene.shadow });
  }
  const boxes = new Map<LineDefect, BoxXyxyPx>();
  for (const [i, part] of scene.parts.entries()) {
    const field = fields[i];
    if (field === undefined) continue;
    paintMetal(canvas, part, field, light);
    for (const defect of drawn) {
      if (defect.part !== i) continue;
      const box = paintDefect(canvas, part, field, defect, light);
      if (box !== undefined) boxes.set(defect, box);
    }
    for (const { item, part: on } of scene.distractors)
      if (on === i) paintDistractor(canvas, item, field);
  }
  for (const { item, part } of scene.distractors)
    if (part === undefined && item.kind !== "oil") paintDistractor(canvas, item);
  applyLight(canvas, scene.light);
  blurCanvas(canvas, scene);
  const noise = createRng(`line-noise/${String(seed)}/${String(index)}`);
  return {
    pixels: developCanvas(canvas, noise, scene),
    ...LINE_FRAME,
    annotations: drawn.flatMap((defect) => {
      const box = boxes.get(defect);
      return box === undefined ? [] : [{ classId: LINE_CLASSES.indexOf(defect.kind), box }];
    }),
    partCount: scene.parts.length,
  };
}

/** The cut-outs that part `index` really has. */
function cutOf(part: LinePart, index: number, defects: readonly LineDefect[]): LineFeature[] {
  const missing = new Set(
    defects.flatMap((d) => (d.kind === "missing-feature" && d.part === index ? [d.feature] : [])),
  );
  const cut = part.features.filter((f) => !missing.has(f));
  return part.bore === undefined ? cut : [...cut, part.bore];
}
