import type { Annotation } from "../data/index.js";
import type { AnchorGrid } from "./anchors.js";

/** Dense training targets of one batch; N images, A cells, C classes. */
export interface DetectionTargets {
  /** `[N, A, C]` 1 where a cell is positive for a class. */
  classes: Float32Array;
  /** `[N, A, 4]` distances left, top, right, bottom in strides; 0 off the positives. */
  distances: Float32Array;
  /** `[N, A, 1]` weight of the cell's box loss, 1 on positives. */
  positive: Float32Array;
}

/** A level takes boxes whose longer side, in strides, is within these bounds; the outer levels are open. */
const MIN_SIDE_STRIDES = 2.5;
const MAX_SIDE_STRIDES = 9;
/** Cells whose centre lies within this many strides of the box's centre (and inside the box) are positive. */
const CENTER_RADIUS_STRIDES = 1.5;

export function emptyTargets(
  batch: number,
  grid: AnchorGrid,
  classCount: number,
): DetectionTargets {
  return {
    classes: new Float32Array(batch * grid.count * classCount),
    distances: new Float32Array(batch * grid.count * 4),
    positive: new Float32Array(batch * grid.count),
  };
}

/**
 * Writes image `index`'s targets. Larger boxes first, so that where boxes share a cell the smaller one keeps it.
 * @param objects boxes in network px
 */
export function assignTargets(
  targets: DetectionTargets,
  index: number,
  objects: readonly Annotation[],
  grid: AnchorGrid,
  classCount: number,
): void {
  const area = ({ box }: Annotation): number => (box.xMax - box.xMin) * (box.yMax - box.yMin);
  const base = index * grid.count;
  for (const { classId, box } of [...objects].sort((p, q) => area(q) - area(p))) {
    const side = Math.max(box.xMax - box.xMin, box.yMax - box.yMin);
    const cx = (box.xMin + box.xMax) / 2;
    const cy = (box.yMin + box.yMax) / 2;
    grid.levels.forEach((level, l) => {
      const inStrides = side / level.stride;
      if (l > 0 && inStrides < MIN_SIDE_STRIDES) return;
      if (l < grid.levels.length - 1 && inStrides > MAX_SIDE_STRIDES) return;
      const radius = CENTER_RADIUS_STRIDES * level.stride;
      const nearestColumn = Math.min(level.columns - 1, Math.max(0, Math.floor(cx / level.stride)));
      const nearestRow = Math.min(level.rows - 1, Math.max(0, Math.floor(cy / level.stride)));
      const reach = Math.ceil(CENTER_RADIUS_STRIDES);
      for (
        let row = Math.max(0, nearestRow - reach);
        row <= Math.min(level.rows - 1, nearestRow + reach);
        row++
      )
        for (
          let column = Math.max(0, nearestColumn - reach);
          column <= Math.min(level.columns - 1, nearestColumn + reach);
          column++
        ) {
          const x = (column + 0.5) * level.stride;
          const y = (row + 0.5) * level.stride;
          const nearest = row === nearestRow && column === nearestColumn;
          const inside = x > box.xMin && x < box.xMax && y > box.yMin && y < box.yMax;
          if (!nearest && !(inside && Math.abs(x - cx) < radius && Math.abs(y - cy) < radius))
            continue;
          const a = base + level.offset + row * level.columns + column;
          for (let c = 0; c < classCount; c++)
            targets.classes[a * classCount + c] = c === classId ? 1 : 0;
          targets.positive[a] = 1;
          // distances are positive by construction in the network, so an outside nearest cell is clamped
          targets.distances[4 * a] = Math.max(0.05, (x - box.xMin) / level.stride);
          targets.distances[4 * a + 1] = Math.max(0.05, (y - box.yMin) / level.stride);
          targets.distances[4 * a + 2] = Math.max(0.05, (box.xMax - x) / level.stride);
          targets.distances[4 * a + 3] = Math.max(0.05, (box.yMax - y) / level.stride);
        }
    });
  }
}
