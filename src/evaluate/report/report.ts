/** A document of sections, in the order they are read. Every text is plain text; rendering escapes it. */
export interface Report {
  title: string;
  /** One sentence below the title. */
  subtitle?: string;
  /** ISO 8601 time, or any words that say when. */
  createdAt?: string;
  /** The few figures that matter, in large type. */
  highlights?: readonly Highlight[];
  sections: readonly ReportSection[];
  /** Versions, machine, seeds: what is needed to get the same again. */
  environment?: Readonly<Record<string, string | number>>;
}

export type Tone = "good" | "bad" | "warn" | "neutral";

export interface Highlight {
  label: string;
  value: string;
  note?: string;
  tone?: Tone;
}

interface SectionHead {
  title: string;
  /** One or two sentences: what is seen, and how it was measured. */
  intro?: string;
}

export type ReportSection = TableSection | ChartSection | GallerySection | NoteSection;

export interface TableSection extends SectionHead {
  kind: "table";
  columns: readonly Column[];
  /** One cell for each column. */
  rows: readonly (readonly Cell[])[];
  /** Rows to set off, by index: the chosen one, the winner. */
  emphasis?: readonly number[];
}

export interface Column {
  label: string;
  /** How numbers are written. Default `number`. */
  format?: NumberFormat;
  /** Fraction digits of `number` (3 by default unless whole) and `percent` (1 by default). */
  digits?: number;
  /** By default numbers stand right, words left. */
  align?: "left" | "right";
  /** Draws a bar below each number: its share of this value, or of the column's largest with `"max"`. */
  bar?: number | "max";
}

/**
 * `percent` takes shares of 1; `bytes` bytes; `seconds` seconds; `compact` shortens thousands and millions;
 * `signed-percent` writes differences of shares in points.
 */
export type NumberFormat =
  "number" | "percent" | "signed-percent" | "bytes" | "seconds" | "compact";

/** A dash stands for undefined, null and NaN. */
export type Cell = CellValue | { value: CellValue; tone?: Tone; note?: string };
export type CellValue = string | number | null | undefined;

export interface ChartSection extends SectionHead {
  kind: "charts";
  /** Side by side where there is room. */
  charts: readonly Chart[];
}

/** A chart on two numeric axes, drawn as SVG. */
export interface Chart {
  title: string;
  form: "line" | "scatter";
  x: Axis;
  y: Axis;
  series: readonly Series[];
  note?: string;
}

export interface Axis {
  label: string;
  /** Ends of the axis; by default those of the data. */
  min?: number;
  max?: number;
  scale?: "linear" | "log";
  format?: NumberFormat;
}

export interface Series {
  name: string;
  points: readonly Point[];
  /** A second way to tell series apart, for what is a reference and not a result. */
  dashed?: boolean;
  /** Noisy values: drawn faint, with their running mean on top. */
  noisy?: boolean;
}

/** Horizontal, vertical, and what is written beside it. */
export type Point = readonly [x: number, y: number, label?: string];

export interface GallerySection extends SectionHead {
  kind: "gallery";
  /** Class names, indexed by `classId`: each has its colour. */
  classes: readonly string[];
  pictures: readonly Picture[];
}

export interface Picture {
  title: string;
  caption?: string;
  /** JPEG, PNG or WebP, as encoded. */
  image: Uint8Array;
  /** The frame that box coordinates are in; the image may be smaller. */
  widthPx: number;
  heightPx: number;
  boxes: readonly PictureBox[];
}

export interface PictureBox {
  xMin: number;
  yMin: number;
  xMax: number;
  yMax: number;
  classId: number;
  score?: number;
  /**
   * `truth`: what was labelled; `prediction`: what was found, not judged; `correct` and `wrong`: what was found, judged;
   * `missed`: what was labelled and not found.
   */
  role: BoxRole;
}

export type BoxRole = "truth" | "prediction" | "correct" | "wrong" | "missed";

export interface NoteSection extends SectionHead {
  kind: "note";
  tone?: Tone;
  /** Paragraphs. */
  text: readonly string[];
}
