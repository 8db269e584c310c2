import { STRIDES } from "./architecture.js";

/** Every cell that predicts a box, level after level, row after row. */
export interface AnchorGrid {
  count: number;
  widthPx: number;
  heightPx: number;
  levels: readonly { stride: number; columns: number; rows: number; offset: number }[];
  /** `[count, 2]` cell centres x, y in network px. */
  centers: Float32Array;
  /** `[count]` stride in px. */
  strides: Float32Array;
}

/** @param widthPx, heightPx network input size, multiples of 32 */
export function anchorGrid({
  widthPx,
  heightPx,
}: {
  widthPx: number;
  heightPx: number;
}): AnchorGrid {
  let offset = 0;
  const levels = STRIDES.map((stride) => {
    const level = { stride, columns: widthPx / stride, rows: heightPx / stride, offset };
    offset += level.columns * level.rows;
    return level;
  });
  const centers = new Float32Array(offset * 2);
  const strides = new Float32Array(offset);
  for (const { stride, columns, rows, offset: start } of levels)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const a = start + row * columns + column;
        centers[2 * a] = (column + 0.5) * stride;
        centers[2 * a + 1] = (row + 0.5) * stride;
        strides[a] = stride;
      }
  return { count: offset, widthPx, heightPx, levels, centers, strides };
}
