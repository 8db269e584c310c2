import type { Rng } from "../base/index.js";
import { warpBox } from "./box.js";
import type { Annotation, BoxXyxyPx } from "./dataset.js";
import { cachedPixels, type ImageCache } from "./image-cache.js";
import { blendPatch, rimOf, warpInto, type Picture, type TargetRect } from "./warp.kernel.js";

/** Labelled defects cut out with some of their surroundings, to be pasted onto other images. */
export interface DefectBank {
  patches: readonly DefectPatch[];
}

interface DefectPatch extends Picture {
  classId: number;
  /** The defect inside the patch, patch pixels. */
  box: BoxXyxyPx;
}

/** Surroundings kept around a defect, and the width over which a paste fades. */
const MARGIN_PX = 5;

/** Cuts the labelled defects out of a cache, those up to `largestShare` of the image's sides. */
export function defectBank(
  cache: ImageCache,
  { indices, largestShare = 0.5 }: { indices?: readonly number[]; largestShare?: number } = {},
): DefectBank {
  const { widthPx: w, heightPx: h } = cache;
  const patches: DefectPatch[] = [];
  for (const index of indices ?? cache.images.keys()) {
    for (const { classId, box } of cache.images[index]?.annotations ?? []) {
      if (box.xMax - box.xMin > w * largestShare || box.yMax - box.yMin > h * largestShare)
        continue;
      const x0 = Math.max(0, Math.floor(box.xMin) - MARGIN_PX);
      const y0 = Math.max(0, Math.floor(box.yMin) - MARGIN_PX);
      const x1 = Math.min(w, Math.ceil(box.xMax) + MARGIN_PX);
      const y1 = Math.min(h, Math.ceil(box.yMax) + MARGIN_PX);
      if (x1 - x0 < 4 || y1 - y0 < 4) continue;
      const patch = {
        pixels: new Uint8Array((x1 - x0) * (y1 - y0) * 3),
        widthPx: x1 - x0,
        heightPx: y1 - y0,
      };
      const source = { pixels: cachedPixels(cache, index), widthPx: w, heightPx: h };
      const warp = { turned: false, scaleX: 1, scaleY: 1, shiftX: -x0, shiftY: -y0 };
      warpInto(patch, source, warp, { x0: 0, y0: 0, x1: patch.widthPx, y1: patch.heightPx }, 114);
      const inside = {
        xMin: box.xMin - x0,
        yMin: box.yMin - y0,
        xMax: box.xMax - x0,
        yMax: box.yMax - y0,
      };
      patches.push({ ...patch, classId, box: inside });
    }
  }
  return { patches };
}

/** Places tried for a paste; the one whose surroundings resemble the patch's own is taken. */
const PLACES = 14;
/** Difference of the surroundings (of their means, and more unrest), grey levels, above which no place is good enough. */
const FARTHEST = 34;

/**
 * Pastes defects from the bank where they fit: mirrored, turned and resized a little, away from existing boxes, on
 * surroundings of about the same brightness, which the patch is shifted to meet.
 * @param views where the target shows an image: nothing is pasted onto padding
 * @returns the boxes of what was pasted
 */
export function pasteDefects(
  target: Picture,
  views: readonly TargetRect[],
  present: readonly Annotation[],
  bank: DefectBank,
  rng: Rng,
  { paste, pasteMost }: { paste: number; pasteMost: number },
): Annotation[] {
  const pasted: Annotation[] = [];
  for (let i = 0; i < pasteMost; i++) {
    // Draws happen whether or not a paste does, so that neighbours in the stream do not depend on it.
    if (rng.next() >= paste || bank.patches.length === 0) continue;
    const patch = varyPatch(rng.pick(bank.patches), rng);
    const { widthPx: w, heightPx: h } = patch;
    const view = rng.pick(views);
    if (w >= view.x1 - view.x0 || h >= view.y1 - view.y0) continue;
    const own = rimOf(patch, { x0: 0, y0: 0, x1: w, y1: h });
    let best: { rect: TargetRect; shift: [number, number, number]; far: number } | undefined;
    for (let k = 0; k < PLACES; k++) {
      const x0 = view.x0 + rng.int(view.x1 - view.x0 - w);
      const y0 = view.y0 + rng.int(view.y1 - view.y0 - h);
      const rect = { x0, y0, x1: x0 + w, y1: y0 + h };
      if ([...present, ...pasted].some(({ box }) => meets(box, rect))) continue;
      const there = rimOf(target, rect);
      const shift: [number, number, number] = [
        there.mean[0] - own.mean[0],
        there.mean[1] - own.mean[1],
        there.mean[2] - own.mean[2],
      ];
      const far =
        (Math.abs(shift[0]) + Math.abs(shift[1]) + Math.abs(shift[2])) / 3 +
        Math.max(0, there.spread - own.spread);
      if (far < (best?.far ?? FARTHEST)) best = { rect, shift, far };
    }
    if (best === undefined) continue;
    const { x0, y0 } = best.rect;
    const { box, classId } = patch;
    const core = {
      x0: Math.max(0, Math.floor(box.xMin) - 1),
      y0: Math.max(0, Math.floor(box.yMin) - 1),
      x1: Math.min(w, Math.ceil(box.xMax) + 1),
      y1: Math.min(h, Math.ceil(box.yMax) + 1),
    };
    blendPatch(target, patch, { x: x0, y: y0, core, featherPx: MARGIN_PX - 1, shift: best.shift });
    pasted.push({
      classId,
      box: { xMin: box.xMin + x0, yMin: box.yMin + y0, xMax: box.xMax + x0, yMax: box.yMax + y0 },
    });
  }
  return pasted;
}

function meets(box: BoxXyxyPx, { x0, y0, x1, y1 }: TargetRect): boolean {
  return box.xMin < x1 && x0 < box.xMax && box.yMin < y1 && y0 < box.yMax;
}

/** A mirrored, quarter-turned and slightly resized copy of a patch. */
function varyPatch(patch: DefectPatch, rng: Rng): DefectPatch {
  const turned = rng.next() < 0.5;
  const scale = rng.uniform(0.85, 1.2);
  const acrossX = (turned ? patch.heightPx : patch.widthPx) * scale;
  const acrossY = (turned ? patch.widthPx : patch.heightPx) * scale;
  const widthPx = Math.max(4, Math.floor(acrossX));
  const heightPx = Math.max(4, Math.floor(acrossY));
  const mirrorX = rng.next() < 0.5;
  const mirrorY = rng.next() < 0.5;
  const warp = {
    turned,
    scaleX: mirrorX ? -scale : scale,
    scaleY: mirrorY ? -scale : scale,
    shiftX: mirrorX ? acrossX : 0,
    shiftY: mirrorY ? acrossY : 0,
  };
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  warpInto(
    { pixels, widthPx, heightPx },
    patch,
    warp,
    { x0: 0, y0: 0, x1: widthPx, y1: heightPx },
    114,
  );
  const box = warpBox(patch.box, warp);
  return {
    pixels,
    widthPx,
    heightPx,
    classId: patch.classId,
    box: {
      xMin: Math.max(0, box.xMin),
      yMin: Math.max(0, box.yMin),
      xMax: Math.min(widthPx, box.xMax),
      yMax: Math.min(heightPx, box.yMax),
    },
  };
}
