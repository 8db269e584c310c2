import { createRng } from "../../base/index.js";

/** Side of the noise tables; they tile. */
export const NOISE_SIDE = 256;
const MASK = NOISE_SIDE - 1;
const CELLS = NOISE_SIDE * NOISE_SIDE;

/** Tiling `[256, 256]` noise fields, zero mean, unit deviation, the same in every process. */
export interface NoiseTables {
  /** Independent normal values. */
  white: Float32Array;
  /** Soft clouds of four octaves. */
  clouds: Float32Array;
  /** Streaks along x: brushed metal. */
  brushed: Float32Array;
  /** Fine grain of about two pixels. */
  grain: Float32Array;
}

let tables: NoiseTables | undefined;

/** The tables, made once a process (about 30 ms). */
export function noiseTables(): NoiseTables {
  tables ??= {
    white: whiteNoise("white"),
    clouds: cloudNoise(),
    brushed: brushedNoise(),
    grain: normalized(boxBlur(boxBlur(whiteNoise("grain"), 1, 0), 0, 1)),
  };
  return tables;
}

/** Bilinear sample with wrap-around. */
export function sampleNoise(table: Float32Array, x: number, y: number): number {
  const xf = Math.floor(x);
  const yf = Math.floor(y);
  const fx = x - xf;
  const fy = y - yf;
  const x0 = xf & MASK;
  const x1 = (x0 + 1) & MASK;
  const row0 = (yf & MASK) << 8;
  const row1 = ((yf + 1) & MASK) << 8;
  const top = table[row0 + x0]! * (1 - fx) + table[row0 + x1]! * fx;
  const bottom = table[row1 + x0]! * (1 - fx) + table[row1 + x1]! * fx;
  return top + (bottom - top) * fy;
}

function whiteNoise(label: string): Float32Array {
  const rng = createRng(`render-noise/${label}`);
  return Float32Array.from({ length: CELLS }, () => rng.normal());
}

/** Value noise: random lattices, cosine-interpolated, halving in size and strength. */
function cloudNoise(): Float32Array {
  const rng = createRng("render-noise/clouds");
  const out = new Float32Array(CELLS);
  for (let octave = 0; octave < 4; octave++) {
    const cell = 64 >> octave;
    const n = NOISE_SIDE / cell;
    const lattice = Float32Array.from({ length: n * n }, () => rng.uniform(-1, 1));
    const strength = 0.55 ** octave;
    for (let y = 0; y < NOISE_SIDE; y++) {
      const gy = Math.floor(y / cell);
      const ty = smooth(y / cell - gy);
      for (let x = 0; x < NOISE_SIDE; x++) {
        const gx = Math.floor(x / cell);
        const tx = smooth(x / cell - gx);
        const gx1 = (gx + 1) % n;
        const gy1 = (gy + 1) % n;
        const top = lattice[gy * n + gx]! * (1 - tx) + lattice[gy * n + gx1]! * tx;
        const bottom = lattice[gy1 * n + gx]! * (1 - tx) + lattice[gy1 * n + gx1]! * tx;
        out[y * NOISE_SIDE + x]! += strength * (top + (bottom - top) * ty);
      }
    }
  }
  return normalized(out);
}

/** Long and short streaks together: grinding lines end somewhere. */
function brushedNoise(): Float32Array {
  const long = normalized(boxBlur(boxBlur(whiteNoise("brush-long"), 40, 0), 40, 0));
  const short = normalized(boxBlur(whiteNoise("brush-short"), 9, 0));
  const out = new Float32Array(CELLS);
  for (let i = 0; i < CELLS; i++) out[i] = long[i]! * 0.8 + short[i]! * 0.6;
  return normalized(out);
}

function boxBlur(source: Float32Array, radiusX: number, radiusY: number): Float32Array {
  const out = new Float32Array(CELLS);
  const radius = radiusX > 0 ? radiusX : radiusY;
  const stepX = radiusX > 0 ? 1 : 0;
  const stepY = 1 - stepX;
  for (let y = 0; y < NOISE_SIDE; y++) {
    for (let x = 0; x < NOISE_SIDE; x++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++)
        sum += source[(((y + k * stepY) & MASK) << 8) + ((x + k * stepX) & MASK)]!;
      out[(y << 8) + x] = sum;
    }
  }
  return out;
}

function normalized(values: Float32Array): Float32Array {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < CELLS; i++) {
    sum += values[i]!;
    squares += values[i]! * values[i]!;
  }
  const mean = sum / CELLS;
  const scale = 1 / Math.sqrt(squares / CELLS - mean * mean);
  for (let i = 0; i < CELLS; i++) values[i] = (values[i]! - mean) * scale;
  return values;
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
