import { formatValue } from "./format.js";
import { html, type Html } from "./html.js";
import type { Cell, CellValue, Column, TableSection, Tone } from "./report.js";

/** A table; numbers to the right, on tabular figures, with bars where a column asks for them. */
export function renderTable({ columns, rows, emphasis = [] }: TableSection): Html {
  const numeric = columns.map(({ align }, c) =>
    align === undefined
      ? rows.some((row) => typeof parts(row[c]).value === "number")
      : align === "right",
  );
  const full = columns.map(({ bar }, c) => (bar === "max" ? largest(rows, c) : bar));
  const head = columns.map(
    ({ label }, c) => html`<th scope="col" class="${numeric[c] ? "number" : ""}">${label}</th>`,
  );
  const body = rows.map((row, r) => {
    const cells = columns.map((column, c) =>
      renderCell(row[c], column, { numeric: numeric[c] ?? false, first: c === 0, full: full[c] }),
    );
    return html`<tr class="${emphasis.includes(r) ? "emphasis" : ""}">
      ${cells}
    </tr>`;
  });
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

function renderCell(
  cell: Cell,
  { format, digits }: Column,
  { numeric, first, full }: { numeric: boolean; first: boolean; full: number | undefined },
): Html {
  const { value, tone, note } = parts(cell);
  const text = formatValue(value, format, digits);
  const share =
    full === undefined || typeof value !== "number" || !(full > 0)
      ? undefined
      : Math.min(1, Math.max(0, value / full));
  const bar =
    share === undefined || Number.isNaN(share)
      ? undefined
      : html`<i class="bar"><b style="width:${(100 * share).toFixed(1)}%"></b></i>`;
  const content = html`<span class="${tone === undefined ? "" : `tone-${tone}`}">${text}</span
    >${bar}${note === undefined ? undefined : html`<small>${note}</small>`}`;
  return first
    ? html`<th scope="row" class="${numeric ? "number" : ""}">${content}</th>`
    : html`<td class="${numeric ? "number" : ""}">${content}</td>`;
}

function parts(cell: Cell): { value: CellValue; tone?: Tone; note?: string } {
  return typeof cell === "object" && cell !== null ? cell : { value: cell };
}

function largest(rows: TableSection["rows"], column: number): number {
  return rows.reduce((most, row) => {
    const { value } = parts(row[column]);
    return typeof value === "number" && value > most ? value : most;
  }, 0);
}
