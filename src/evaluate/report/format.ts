import type { CellValue, NumberFormat } from "./report.js";

/** A thin space keeps number and unit together. */
const UNIT_SPACE = "\u202f";

/** What stands for a value that is not there. */
export const NOTHING = "–";

/**
 * Writes a value the same way everywhere in a report.
 * @param digits fraction digits
 */
export function formatValue(
  value: CellValue,
  format: NumberFormat = "number",
  digits?: number,
): string {
  if (value === undefined || value === null) return NOTHING;
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? NOTHING : String(value);
  switch (format) {
    case "number":
      return grouped(value, digits ?? (Number.isInteger(value) ? 0 : 3));
    case "percent":
      return `${grouped(value * 100, digits ?? 1)}${UNIT_SPACE}%`;
    case "signed-percent":
      return signed(value * 100, digits ?? 1);
    case "bytes":
      return formatBytes(value);
    case "seconds":
      return formatSeconds(value);
    case "compact":
      return compact(value, digits);
  }
}

function signed(value: number, digits: number): string {
  const size = grouped(Math.abs(value), digits);
  return `${Number(value.toFixed(digits)) === 0 ? "±" : value < 0 ? "−" : "+"}${size}`;
}

/** Thousands by thin spaces, so that no locale misreads them. */
function grouped(value: number, digits: number): string {
  const [whole = "", fraction] = Math.abs(value).toFixed(digits).split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, UNIT_SPACE);
  const text = fraction === undefined ? spaced : `${spaced}.${fraction}`;
  return value < 0 && Number(value.toFixed(digits)) !== 0 ? `−${text}` : text;
}

function compact(value: number, digits?: number): string {
  const size = Math.abs(value);
  for (const [unit, at] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const)
    if (size >= at) return `${trimmed(value / at, digits ?? 2)}${UNIT_SPACE}${unit}`;
  return trimmed(value, digits ?? (size !== 0 && size < 0.01 ? 4 : 2));
}

const trimmed = (value: number, digits: number): string =>
  grouped(value, digits)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)}${UNIT_SPACE}B`;
  const [value, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, "KiB"]
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, "MiB"]
        : [bytes / 1024 ** 3, "GiB"];
  return `${grouped(value, value < 100 ? 1 : 0)}${UNIT_SPACE}${unit}`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 1)
    return `${grouped(seconds * 1000, seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0)}${UNIT_SPACE}ms`;
  if (seconds < 120) return `${grouped(seconds, seconds < 10 ? 1 : 0)}${UNIT_SPACE}s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds - 60 * minutes);
  if (minutes < 120) return `${String(minutes)}${UNIT_SPACE}min ${String(rest)}${UNIT_SPACE}s`;
  return `${grouped(seconds / 3600, 1)}${UNIT_SPACE}h`;
}
