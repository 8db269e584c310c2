import type { BoxXyxyPx } from "../data/index.js";

/** A connected group of pixels with the measurements that tell shapes apart. */
export interface Component {
  box: BoxXyxyPx;
  areaPx2: number;
  /** Mean of grey minus local mean, in local deviations: bright above 0. */
  contrast: number;
  /** Mean of grey minus local mean, grey levels. */
  depth: number;
  /** Share of its pixels that are brighter than their surroundings. */
  brightShare: number;
  /** Longer over shorter principal axis. */
  elongation: number;
  /** Share of the box that it fills. */
  fill: number;
}

/** Grey picture, and what belongs to metal in it. */
export interface GreyField {
  widthPx: number;
  heightPx: number;
  /** Picture pixels a field pixel, on each axis. */
  shrink: number;
  grey: Float32Array;
  /** 1 where the picture belongs to the brighter of two groups (Otsu): metal against belt. */
  bright: Uint8Array;
  /** Metal by the fill that found it. */
  metals: Map<number, MetalField>;
}

/** Metal with its dark islands filled, and summed-area tables over it alone, `[H + 1, W + 1]`. */
interface MetalField {
  mask: Uint8Array;
  count: Float64Array;
  sum: Float64Array;
  squares: Float64Array;
}

/** Rec. 601 grey, shrunk by a whole factor (block means, which also quiets noise). */
export function greyField(
  pixels: Uint8Array,
  fullWidthPx: number,
  fullHeightPx: number,
  shrink: number,
): GreyField {
  const widthPx = Math.floor(fullWidthPx / shrink);
  const heightPx = Math.floor(fullHeightPx / shrink);
  const grey = new Float32Array(widthPx * heightPx);
  const norm = 1 / (shrink * shrink);
  for (let y = 0; y < heightPx * shrink; y++) {
    const to = Math.floor(y / shrink) * widthPx;
    for (let x = 0; x < widthPx * shrink; x++) {
      const j = (y * fullWidthPx + x) * 3;
      grey[to + Math.floor(x / shrink)]! +=
        norm * (0.299 * pixels[j]! + 0.587 * pixels[j + 1]! + 0.114 * pixels[j + 2]!);
    }
  }
  const level = otsu(grey);
  const bright = new Uint8Array(grey.length);
  for (let i = 0; i < grey.length; i++) if (grey[i]! > level) bright[i] = 1;
  return { widthPx, heightPx, shrink, grey, bright, metals: new Map() };
}

function metalOf(field: GreyField, fillPx: number): MetalField {
  const known = field.metals.get(fillPx);
  if (known !== undefined) return known;
  const { widthPx: w, heightPx: h, grey } = field;
  const mask = filledBright(field.bright, w, h, fillPx);
  const stride = w + 1;
  const count = new Float64Array(stride * (h + 1));
  const sum = new Float64Array(stride * (h + 1));
  const squares = new Float64Array(stride * (h + 1));
  for (let y = 0; y < h; y++) {
    let n = 0;
    let row = 0;
    let rowSquares = 0;
    for (let x = 0; x < w; x++) {
      if (mask[y * w + x] === 1) {
        const v = grey[y * w + x]!;
        n++;
        row += v;
        rowSquares += v * v;
      }
      const at = (y + 1) * stride + x + 1;
      count[at] = count[at - stride]! + n;
      sum[at] = sum[at - stride]! + row;
      squares[at] = squares[at - stride]! + rowSquares;
    }
  }
  const metal = { mask, count, sum, squares };
  field.metals.set(fillPx, metal);
  return metal;
}

/** The grey level that parts the histogram into two groups of least inner variance. */
function otsu(grey: Float32Array): number {
  const histogram = new Float64Array(256);
  for (const v of grey) histogram[Math.min(255, v | 0)]!++;
  let total = 0;
  for (let v = 0; v < 256; v++) total += v * histogram[v]!;
  let below = 0;
  let belowSum = 0;
  let best = 0;
  let level = 0;
  for (let v = 0; v < 256; v++) {
    below += histogram[v]!;
    belowSum += v * histogram[v]!;
    const above = grey.length - below;
    if (below === 0 || above === 0) continue;
    const gap = belowSum / below - (total - belowSum) / above;
    const between = below * above * gap * gap;
    if (between > best) {
      best = between;
      level = v;
    }
  }
  return level;
}

/** Fills dark islands: a dark pixel counts as metal when metal is within `reach` on all four sides. */
function filledBright(bright: Uint8Array, w: number, h: number, reach: number): Uint8Array {
  const out = bright.slice();
  for (let y = reach; y < h - reach; y++) {
    for (let x = reach; x < w - reach; x++) {
      const i = y * w + x;
      if (bright[i] === 1) continue;
      let sides = 0;
      for (let k = 1; k <= reach && sides < 1; k++) if (bright[i - k] === 1) sides++;
      if (sides < 1) continue;
      for (let k = 1; k <= reach && sides < 2; k++) if (bright[i + k] === 1) sides++;
      if (sides < 2) continue;
      for (let k = 1; k <= reach && sides < 3; k++) if (bright[i - k * w] === 1) sides++;
      if (sides < 3) continue;
      for (let k = 1; k <= reach && sides < 4; k++) if (bright[i + k * w] === 1) sides++;
      if (sides === 4) out[i] = 1;
    }
  }
  return out;
}

export interface ComponentOptions {
  /** Half side of the window of the local mean. */
  windowPx: number;
  /** Local deviations from the local mean that mark a pixel. */
  deviations: number;
  /** Least difference in grey levels, against flat noise. */
  leastGrey: number;
  /** Dark islands in metal up to about twice this are searched as well: pits, but also holes. */
  fillPx: number;
  /** Metal is shrunk by this before it is searched, against its edges. */
  insetPx: number;
  /** Marked pixels are grown by this, to close gaps. */
  closePx: number;
  smallestPx2: number;
  /** Sides of a component's box, min and max. */
  sidePx: readonly [number, number];
}

/** Marks pixels that differ from the metal around them, and groups them (8-connected). */
export function findComponents(field: GreyField, options: ComponentOptions): Component[] {
  const { widthPx: w, heightPx: h, grey } = field;
  const { windowPx, deviations, leastGrey, insetPx, closePx } = options;
  const { mask, count, sum, squares } = metalOf(field, options.fillPx);
  const stride = w + 1;
  const metal = eroded(mask, w, h, insetPx);
  const contrast = new Float32Array(w * h);
  const depth = new Float32Array(w * h);
  const marked = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const a = Math.max(0, y - windowPx) * stride;
    const b = Math.min(h, y + windowPx + 1) * stride;
    for (let x = 0; x < w; x++) {
      const i = y * w + x;
      if (metal[i] === 0) continue;
      const x0 = Math.max(0, x - windowPx);
      const x1 = Math.min(w, x + windowPx + 1);
      const n = count[b + x1]! - count[a + x1]! - count[b + x0]! + count[a + x0]!;
      const mean = (sum[b + x1]! - sum[a + x1]! - sum[b + x0]! + sum[a + x0]!) / n;
      const square =
        (squares[b + x1]! - squares[a + x1]! - squares[b + x0]! + squares[a + x0]!) / n;
      const deviation = Math.sqrt(Math.max(1, square - mean * mean));
      const off = grey[i]! - mean;
      contrast[i] = off / deviation;
      depth[i] = off;
      if (Math.abs(off) > deviations * deviation && Math.abs(off) > leastGrey) marked[i] = 1;
    }
  }
  return group(dilated(marked, w, h, closePx), marked, { contrast, depth }, w, h, options);
}

function eroded(mask: Uint8Array, w: number, h: number, radius: number): Uint8Array {
  if (radius <= 0) return mask;
  const inverse = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) inverse[i] = 1 - mask[i]!;
  const grown = dilated(inverse, w, h, radius);
  for (let i = 0; i < mask.length; i++) grown[i] = 1 - grown[i]!;
  return grown;
}

/** Grows a mask by a square, one axis after the other. */
function dilated(mask: Uint8Array, w: number, h: number, radius: number): Uint8Array {
  if (radius <= 0) return mask;
  const across = new Uint8Array(w * h);
  const out = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if (mask[y * w + x] === 0) continue;
      across.fill(1, y * w + Math.max(0, x - radius), y * w + Math.min(w, x + radius + 1));
    }
  }
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if (across[y * w + x] === 0) continue;
      for (let v = Math.max(0, y - radius); v <= Math.min(h - 1, y + radius); v++)
        out[v * w + x] = 1;
    }
  }
  return out;
}

function group(
  grown: Uint8Array,
  marked: Uint8Array,
  { contrast, depth }: { contrast: Float32Array; depth: Float32Array },
  w: number,
  h: number,
  { smallestPx2, sidePx }: ComponentOptions,
): Component[] {
  const seen = new Uint8Array(w * h);
  const stack: number[] = [];
  const found: Component[] = [];
  for (let start = 0; start < w * h; start++) {
    if (grown[start] === 0 || seen[start] === 1) continue;
    let n = 0;
    let total = 0;
    let deep = 0;
    let brighter = 0;
    let sx = 0;
    let sy = 0;
    let sxx = 0;
    let syy = 0;
    let sxy = 0;
    const box = { xMin: w, yMin: h, xMax: 0, yMax: 0 };
    stack.push(start);
    seen[start] = 1;
    while (stack.length > 0) {
      const i = stack.pop()!;
      const x = i % w;
      const y = (i - x) / w;
      // The grown mask only joins; measured are the pixels that were marked.
      if (marked[i] === 1) {
        n++;
        total += contrast[i]!;
        deep += depth[i]!;
        if (contrast[i]! > 0) brighter++;
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
        if (x < box.xMin) box.xMin = x;
        if (y < box.yMin) box.yMin = y;
        if (x + 1 > box.xMax) box.xMax = x + 1;
        if (y + 1 > box.yMax) box.yMax = y + 1;
      }
      for (let v = Math.max(0, y - 1); v <= Math.min(h - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(w - 1, x + 1); u++) {
          const j = v * w + u;
          if (grown[j] === 1 && seen[j] === 0) {
            seen[j] = 1;
            stack.push(j);
          }
        }
      }
    }
    const width = box.xMax - box.xMin;
    const height = box.yMax - box.yMin;
    if (
      n < smallestPx2 ||
      Math.max(width, height) > sidePx[1] ||
      Math.max(width, height) < sidePx[0]
    )
      continue;
    const mx = sx / n;
    const my = sy / n;
    const a = sxx / n - mx * mx + 0.1;
    const c = syy / n - my * my + 0.1;
    const b = sxy / n - mx * my;
    const root = Math.sqrt(((a - c) / 2) ** 2 + b * b);
    found.push({
      box,
      areaPx2: n,
      contrast: total / n,
      depth: deep / n,
      brightShare: brighter / n,
      elongation: Math.sqrt(((a + c) / 2 + root) / Math.max(0.05, (a + c) / 2 - root)),
      fill: n / (width * height),
    });
  }
  return found;
}
