/** Lines of left-aligned columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A table with a rule below its head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = columns([head, ...rows]);
  const width = Math.max(...lines.map((line) => line.length));
  const [first = "", ...rest] = lines;
  return [first, "-".repeat(width), ...rest].join("\n");
}

/** `1536000` → `"1.46 MiB"`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(2)} MiB`;
}
