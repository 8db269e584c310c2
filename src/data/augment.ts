import { createRng, type Rng } from "../base/index.js";
import { clipAnnotations, warpBox } from "./box.js";
import type { Annotation, BoxXyxyPx } from "./dataset.js";
import { cachedPixels, type ImageCache } from "./image-cache.js";
import { pasteDefects, type DefectBank } from "./paste.js";
import {
  applyPhotometry,
  warpInto,
  type AxisWarp,
  type Photometry,
  type Picture,
  type TargetRect,
} from "./warp.kernel.js";

/** How a sample is varied. Ranges are `[min, max]`, probabilities 0..1. */
export interface AugmentOptions {
  /** Zoom; above 1 crops, below 1 leaves a border. */
  zoom: readonly [number, number];
  /** Stretch of one axis against the other, ± this share. */
  stretch: number;
  /** Shift beyond what the zoom frees, ± this share of a side. */
  translate: number;
  flipHorizontal: number;
  flipVertical: number;
  /** Probability of a turn by 90° either way; only where "up" has no meaning. */
  quarterTurn: number;
  brightness: number;
  contrast: number;
  /** Gamma between `1 / (1 + gamma)` and `1 + gamma`. */
  gamma: number;
  /** Independent gain of each channel, ± this share. */
  colour: number;
  /** Largest noise deviation, grey levels. */
  noise: number;
  /** Probability of a mosaic of four images. */
  mosaic: number;
  /** Probability of each paste of a labelled defect from another image, and how many tries at most. */
  paste: number;
  pasteMost: number;
  padValue: number;
  /** A box is kept when at least this share of it is still in view. */
  keepVisible: number;
}

/** A mild set that suits inspection from above. */
export const DEFAULT_AUGMENT: Readonly<AugmentOptions> = {
  zoom: [0.85, 1.3],
  stretch: 0.06,
  translate: 0.06,
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  quarterTurn: 0,
  brightness: 0.15,
  contrast: 0.2,
  gamma: 0.2,
  colour: 0.05,
  noise: 5,
  mosaic: 0,
  paste: 0.5,
  pasteMost: 2,
  padValue: 114,
  keepVisible: 0.4,
};

/** Nothing is changed. */
export const NO_AUGMENT: Readonly<AugmentOptions> = {
  zoom: [1, 1],
  stretch: 0,
  translate: 0,
  flipHorizontal: 0,
  flipVertical: 0,
  quarterTurn: 0,
  brightness: 0,
  contrast: 0,
  gamma: 0,
  colour: 0,
  noise: 0,
  mosaic: 0,
  paste: 0,
  pasteMost: 0,
  padValue: 114,
  keepVisible: 0,
};

/** A part of the network-sized image that a sample shows, at full scale. */
export interface CropOptions {
  widthPx: number;
  heightPx: number;
  /** Probability that the part is laid around one of the image's objects, where it has any. */
  focus: number;
}

/** Which sample of a run: the same triple gives the same pixels. `index` counts within the epoch. */
export interface SampleKey {
  seed: number | string;
  epoch: number;
  index: number;
}

/** The random stream of one sample. */
export function sampleRng({ seed, epoch, index }: SampleKey): Rng {
  return createRng(`sample/${String(seed)}/${String(epoch)}/${String(index)}`);
}

/**
 * Fills `out` with a varied copy of a cached image and returns its boxes in network pixels.
 * @param out `[H, W, 3]`, of the crop's size where one is given
 * @param rng the sample's own stream, see {@link sampleRng}
 * @param bank defects to paste; without one nothing is pasted
 */
export function augmentSample(
  cache: ImageCache,
  imageIndex: number,
  out: Uint8Array,
  rng: Rng,
  {
    options,
    bank,
    crop,
  }: {
    options: Readonly<AugmentOptions>;
    bank?: DefectBank | undefined;
    crop?: CropOptions | undefined;
  },
): Annotation[] {
  const { widthPx, heightPx } = crop ?? cache;
  const target: Picture = { pixels: out, widthPx, heightPx };
  const mosaic = options.mosaic > 0 && rng.next() < options.mosaic;
  const whole = { x0: 0, y0: 0, x1: widthPx, y1: heightPx };
  const drawn = mosaic
    ? drawMosaic(cache, imageIndex, target, rng, options)
    : [drawOne(cache, imageIndex, target, whole, rng, options, { focus: crop?.focus ?? 0 })];
  const annotations = drawn.flatMap((part) => part.annotations);
  const views = drawn.map((part) => part.view);
  if (bank !== undefined && options.paste > 0)
    annotations.push(...pasteDefects(target, views, annotations, bank, rng, options));
  const photometry = samplePhotometry(rng, options);
  if (photometry !== undefined) for (const view of views) applyPhotometry(target, view, photometry);
  return annotations;
}

/** What was drawn into a rectangle: boxes, and the pixels that show the image rather than padding. */
interface Drawn {
  annotations: Annotation[];
  view: TargetRect;
}

function drawOne(
  cache: ImageCache,
  imageIndex: number,
  target: Picture,
  rect: TargetRect,
  rng: Rng,
  options: Readonly<AugmentOptions>,
  { shrink = 1, focus = 0 }: { shrink?: number; focus?: number } = {},
): Drawn {
  const { widthPx, heightPx } = cache;
  const source = { pixels: cachedPixels(cache, imageIndex), widthPx, heightPx };
  const objects = cache.images[imageIndex]?.annotations ?? [];
  const focused = focus > 0 && objects.length > 0 && rng.next() < focus;
  const warp = sampleWarp(rng, { widthPx, heightPx }, rect, options, {
    shrink,
    around: focused ? rng.pick(objects).box : undefined,
  });
  const { scaleX, scaleY, shiftX, shiftY, turned } = warp;
  const same = target.widthPx === widthPx && target.heightPx === heightPx;
  if (
    same &&
    !turned &&
    scaleX === 1 &&
    scaleY === 1 &&
    shiftX === 0 &&
    shiftY === 0 &&
    shrink === 1
  )
    target.pixels.set(source.pixels);
  else warpInto(target, source, warp, rect, options.padValue);
  const annotations = objects.map(({ classId, box }) => ({
    classId,
    box: warpBox(box, warp),
  }));
  return {
    annotations: clipAnnotations(annotations, rect, options.keepVisible),
    view: viewOf(cache, imageIndex, warp, rect),
  };
}

/** Where the picture itself, without its letterbox border, comes to lie. */
function viewOf(
  cache: ImageCache,
  imageIndex: number,
  warp: AxisWarp,
  rect: TargetRect,
): TargetRect {
  const transform = cache.images[imageIndex]?.transform;
  const {
    padXPx = 0,
    padYPx = 0,
    scale = 1,
    sourceWidthPx = 0,
    sourceHeightPx = 0,
  } = transform ?? {};
  const { xMin, yMin, xMax, yMax } = warpBox(
    {
      xMin: padXPx,
      yMin: padYPx,
      xMax: padXPx + Math.round(sourceWidthPx * scale),
      yMax: padYPx + Math.round(sourceHeightPx * scale),
    },
    warp,
  );
  const x0 = Math.max(rect.x0, Math.round(xMin));
  const y0 = Math.max(rect.y0, Math.round(yMin));
  return {
    x0,
    y0,
    x1: Math.max(x0, Math.min(rect.x1, Math.round(xMax))),
    y1: Math.max(y0, Math.min(rect.y1, Math.round(yMax))),
  };
}

/** Four images around a point near the middle; the first is the sample's own. */
function drawMosaic(
  cache: ImageCache,
  imageIndex: number,
  target: Picture,
  rng: Rng,
  options: Readonly<AugmentOptions>,
): Drawn[] {
  const { widthPx: w, heightPx: h } = target;
  const x = Math.round(w * rng.uniform(0.35, 0.65));
  const y = Math.round(h * rng.uniform(0.35, 0.65));
  const rects = [
    { x0: 0, y0: 0, x1: x, y1: y },
    { x0: x, y0: 0, x1: w, y1: y },
    { x0: 0, y0: y, x1: x, y1: h },
    { x0: x, y0: y, x1: w, y1: h },
  ];
  // Companions are as labelled as the sample itself, so that none brings objects nobody marked.
  const labelled = cache.images[imageIndex]?.annotations !== undefined;
  const companions = cache.images.flatMap((image, i) =>
    (image.annotations !== undefined) === labelled ? [i] : [],
  );
  return rects.map((rect, i) =>
    drawOne(cache, i === 0 ? imageIndex : rng.pick(companions), target, rect, rng, options, {
      shrink: 0.7,
    }),
  );
}

function sampleWarp(
  rng: Rng,
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
  rect: TargetRect,
  options: Readonly<AugmentOptions>,
  { shrink, around }: { shrink: number; around: BoxXyxyPx | undefined },
): AxisWarp {
  const turned = options.quarterTurn > 0 && rng.next() < options.quarterTurn;
  const zoom = shrink * Math.exp(rng.uniform(Math.log(options.zoom[0]), Math.log(options.zoom[1])));
  const stretch = 1 + rng.uniform(-options.stretch, options.stretch);
  const mirrorX = rng.next() < options.flipHorizontal;
  const mirrorY = rng.next() < options.flipVertical;
  const axis = (
    length: number,
    from: number,
    to: number,
    scale: number,
    mirror: boolean,
    middle: number | undefined,
  ): [number, number] => {
    const size = length * scale;
    const free = to - from - size;
    const jitter = rng.uniform(-options.translate, options.translate) * (to - from);
    const place = rng.uniform(Math.min(0, free), Math.max(0, free));
    // where the object's middle would lie at the start, counted along the drawn image
    const own = middle === undefined ? 0 : (mirror ? length - middle : middle) * scale;
    const wanted = middle === undefined ? place : rng.uniform(0.2, 0.8) * (to - from) - own;
    const start = from + Math.min(Math.max(0, free), Math.max(Math.min(0, free), wanted)) + jitter;
    return mirror ? [-scale, start + size] : [scale, start];
  };
  const [scaleX, shiftX] = axis(
    turned ? heightPx : widthPx,
    rect.x0,
    rect.x1,
    zoom * stretch,
    mirrorX,
    around && (turned ? around.yMin + around.yMax : around.xMin + around.xMax) / 2,
  );
  const [scaleY, shiftY] = axis(
    turned ? widthPx : heightPx,
    rect.y0,
    rect.y1,
    zoom / stretch,
    mirrorY,
    around && (turned ? around.xMin + around.xMax : around.yMin + around.yMax) / 2,
  );
  return { turned, scaleX, scaleY, shiftX, shiftY };
}

function samplePhotometry(rng: Rng, options: Readonly<AugmentOptions>): Photometry | undefined {
  const { brightness, contrast, gamma, colour, noise } = options;
  if (brightness === 0 && contrast === 0 && gamma === 0 && colour === 0 && noise === 0)
    return undefined;
  const gain = 1 + rng.uniform(-contrast, contrast);
  const channel = (): number => gain * (1 + rng.uniform(-colour, colour));
  const spread = Math.log(1 + gamma);
  return {
    gain: [channel(), channel(), channel()],
    // Contrast turns about mid grey, brightness moves it.
    offset: 128 * (1 - gain) + 255 * rng.uniform(-brightness, brightness) * 0.5,
    gamma: Math.exp(rng.uniform(-spread, spread)),
    noise: rng.next() < 0.5 ? rng.uniform(0, noise) : 0,
    noiseAt: rng.int(65536),
  };
}
