/** Where a letterboxed image came from: `network = source * scale + pad`, in pixels. */
export interface LetterboxTransform {
  /** Network pixels per source pixel, the same on both axes. */
  scale: number;
  padXPx: number;
  padYPx: number;
  sourceWidthPx: number;
  sourceHeightPx: number;
}

/** A letterbox with the whole pixels it fills. */
export interface LetterboxGeometry extends LetterboxTransform {
  /** Size of the resized image inside the box. */
  innerWidthPx: number;
  innerHeightPx: number;
}

/** Four edges of a box, in pixels: `[x1, y1, x2, y2]`. */
export type XyxyPx = readonly [x1: number, y1: number, x2: number, y2: number];

/**
 * Geometry that fits a source centred into a box without changing its shape.
 * Inner sizes are rounded to whole pixels and at least 1; the odd pixel of padding goes right and below.
 */
export function letterboxTransform(
  source: { widthPx: number; heightPx: number },
  network: { widthPx: number; heightPx: number },
): LetterboxGeometry {
  const scale = Math.min(network.widthPx / source.widthPx, network.heightPx / source.heightPx);
  const innerWidthPx = Math.min(network.widthPx, Math.max(1, Math.round(source.widthPx * scale)));
  const innerHeightPx = Math.min(
    network.heightPx,
    Math.max(1, Math.round(source.heightPx * scale)),
  );
  return {
    scale,
    padXPx: Math.floor((network.widthPx - innerWidthPx) / 2),
    padYPx: Math.floor((network.heightPx - innerHeightPx) / 2),
    sourceWidthPx: source.widthPx,
    sourceHeightPx: source.heightPx,
    innerWidthPx,
    innerHeightPx,
  };
}

/** Source box → network box (not clipped). */
export function boxToNetwork([x1, y1, x2, y2]: XyxyPx, t: LetterboxTransform): XyxyPx {
  return [
    x1 * t.scale + t.padXPx,
    y1 * t.scale + t.padYPx,
    x2 * t.scale + t.padXPx,
    y2 * t.scale + t.padYPx,
  ];
}

/** Network box → source box, clipped to the source image. */
export function boxToSource([x1, y1, x2, y2]: XyxyPx, t: LetterboxTransform): XyxyPx {
  const x = (v: number): number => Math.min(t.sourceWidthPx, Math.max(0, (v - t.padXPx) / t.scale));
  const y = (v: number): number =>
    Math.min(t.sourceHeightPx, Math.max(0, (v - t.padYPx) / t.scale));
  return [x(x1), y(y1), x(x2), y(y2)];
}
