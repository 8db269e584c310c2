import type { Canvas } from "./canvas.kernel.js";
import type { DistanceField } from "./line-distance.kernel.js";
import type { LinePart } from "./line-part.js";
import { noiseTables, sampleNoise } from "./noise.kernel.js";

/** A conveyor belt, woven or smooth, with scuffs along its way and perhaps a seam. */
export interface BeltLook {
  tone: number;
  red: number;
  blue: number;
  weavePx: number;
  weaveGain: number;
  grain: number;
  clouds: number;
  noiseX: number;
  noiseY: number;
  scuffGain: number;
  /** x of a glued seam at mid height; absent when none is in view. */
  seamX?: number;
  seamSlope: number;
}

/** Paints the belt over the whole canvas. */
export function paintBelt(canvas: Canvas, belt: BeltLook): void {
  const { widthPx: w, heightPx: h, luma, red, blue } = canvas;
  const { grain, clouds, brushed } = noiseTables();
  const k = (2 * Math.PI) / belt.weavePx;
  const waveX = Float32Array.from({ length: w }, (_, x) => Math.sin(k * x));
  const waveY = Float32Array.from({ length: h }, (_, y) => Math.sin(k * y));
  const offset = (Math.floor(belt.noiseY) << 8) + Math.floor(belt.noiseX);
  for (let y = 0, i = 0; y < h; y++) {
    const wy = waveY[y]!;
    const seamAt = belt.seamX === undefined ? -1e6 : belt.seamX + (y - h / 2) * belt.seamSlope;
    for (let x = 0; x < w; x++, i++) {
      const weave = waveX[x]! * wy;
      const cell = (offset + ((y & 255) << 8) + (x & 255)) & 0xffff;
      const scuff = brushed[(((y * 3) & 255) << 8) + ((x >> 1) & 255)]!;
      let v =
        1 +
        belt.weaveGain * weave +
        belt.grain * grain[cell]! +
        belt.scuffGain * (scuff > 1.2 ? scuff - 1.2 : 0) +
        belt.clouds * sampleNoise(clouds, x * 0.45 + belt.noiseX, y * 0.45 + belt.noiseY);
      const seam = x - seamAt;
      if (seam > -4 && seam < 9) {
        // Overlap of the belt's ends: a dark gap, then a lit lip.
        if (seam < 1.5) v *= 1 - 0.45 * Math.exp(-(seam * seam) / 2.5);
        else v *= 1 + 0.22 * Math.exp(-((seam - 3.5) * (seam - 3.5)) / 5);
      }
      luma[i] = belt.tone * v;
      red[i] = belt.red;
      blue[i] = belt.blue;
    }
  }
}

/**
 * Darkens what lies under a part's shadow: thrown by `liftPx` along the light, softer the higher the part.
 * @param light unit vector in the frame towards which shadows fall
 */
export function paintShadow(
  canvas: Canvas,
  field: DistanceField,
  {
    liftPx,
    lightX,
    lightY,
    strength,
  }: { liftPx: number; lightX: number; lightY: number; strength: number },
): void {
  const { widthPx: w, heightPx: h, luma } = canvas;
  const fw = field.x1 - field.x0;
  const fh = field.y1 - field.y0;
  const soft = 1 / (2 + liftPx * 0.9);
  const ox = Math.round(liftPx * lightX);
  const oy = Math.round(liftPx * lightY);
  const margin = 3;
  for (let y = -margin; y < fh + margin; y++) {
    const cy = y + field.y0 + oy;
    if (cy < 0 || cy >= h) continue;
    const sy = y < 0 ? 0 : y >= fh ? fh - 1 : y;
    for (let x = -margin; x < fw + margin; x++) {
      const cx = x + field.x0 + ox;
      if (cx < 0 || cx >= w) continue;
      const sx = x < 0 ? 0 : x >= fw ? fw - 1 : x;
      const beyond = Math.max(sx - x, x - sx, sy - y, y - sy, 0);
      const cover = 0.5 - (field.data[sy * fw + sx]! + beyond) * soft;
      if (cover > 0) luma[cy * w + cx]! *= 1 - strength * (cover > 1 ? 1 : cover);
    }
  }
}

/**
 * Lays a part's metal over the canvas: texture by its finish, anisotropic highlight, lit and shaded edges.
 * @param light unit vector in the frame towards which shadows fall
 */
export function paintMetal(
  canvas: Canvas,
  part: LinePart,
  field: DistanceField,
  { lightX, lightY }: { lightX: number; lightY: number },
): void {
  const { widthPx: w, luma, red, blue } = canvas;
  const { data } = field;
  const { finish } = part;
  const { brushed, clouds, grain } = noiseTables();
  const fw = field.x1 - field.x0;
  const fh = field.y1 - field.y0;
  const c = Math.cos(part.angle);
  const s = Math.sin(part.angle);
  const fc = Math.cos(finish.angle);
  const fs = Math.sin(finish.angle);
  const turned = finish.kind === "turned";
  const invWidth = 1 / finish.streakWidthPx;
  for (let y = 0; y < fh; y++) {
    const dy = y + field.y0 - part.y;
    for (let x = 0; x < fw; x++) {
      const i = y * fw + x;
      const d = data[i]!;
      if (d >= 0.5) continue;
      const dx = x + field.x0 - part.x;
      const u = dx * c + dy * s;
      const v = -dx * s + dy * c;
      let along: number;
      let across: number;
      let highlight: number;
      if (turned) {
        const r = Math.sqrt(u * u + v * v);
        along = Math.atan2(v, u) * 90;
        across = r * 1.1;
        // A turned face throws two bright sectors, fixed to the light and not to the part.
        const cosine = (dx * fc + dy * fs) / (r + 1e-3);
        const squared = cosine * cosine;
        const fourth = squared * squared;
        highlight = fourth * fourth * fourth;
      } else {
        along = u * fc + v * fs;
        across = -u * fs + v * fc;
        const off = (along - finish.streakAtPx) * invWidth;
        highlight = Math.exp(-off * off);
      }
      let tone =
        1 +
        finish.texture *
          sampleNoise(brushed, along * 0.8 + finish.noiseX, across * 0.9 + finish.noiseY) +
        finish.texture * 0.35 * grain[(((y * 7 + 31) & 255) << 8) + (x & 255)]! +
        finish.clouds * sampleNoise(clouds, u * 0.7 + finish.noiseY, v * 0.7 + finish.noiseX) +
        finish.streakGain * highlight;
      if (finish.millGain > 0) {
        const mu = u - finish.millU;
        const mv = v - finish.millV;
        tone +=
          finish.millGain *
          Math.sin((Math.sqrt(mu * mu + mv * mv) * 2 * Math.PI) / finish.millPeriodPx);
      }
      if (d > -3.5) {
        // The broken edge: its normal is the distance's slope.
        const xa = x > 0 ? i - 1 : i;
        const xb = x < fw - 1 ? i + 1 : i;
        const ya = y > 0 ? i - fw : i;
        const yb = y < fh - 1 ? i + fw : i;
        const facing = -((data[xb]! - data[xa]!) * lightX + (data[yb]! - data[ya]!) * lightY) * 0.5;
        const rim = d > -2.2 ? 1 : (d + 3.5) / 1.3;
        tone += rim * (facing > 0 ? 0.3 * facing : 0.34 * facing);
      }
      const cover = d <= -0.5 ? 1 : 0.5 - d;
      const at = (y + field.y0) * w + x + field.x0;
      luma[at] = luma[at]! * (1 - cover) + finish.tone * tone * cover;
      red[at] = red[at]! * (1 - cover) + finish.red * cover;
      blue[at] = blue[at]! * (1 - cover) + finish.blue * cover;
    }
  }
}
