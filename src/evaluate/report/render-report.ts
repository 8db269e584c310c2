import { renderCharts } from "./chart.js";
import { renderGallery } from "./gallery.js";
import { html, trusted, type Html } from "./html.js";
import type { Report, ReportSection } from "./report.js";
import { STYLE } from "./style.js";
import { renderTable } from "./table.js";

/** Nothing is loaded and nothing runs, whatever the texts hold. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/**
 * One HTML file that needs nothing else: no network, no script; charts and boxes are SVG, pictures data URIs.
 * @returns the whole document
 */
export function renderReport(report: Report): string {
  const { title, subtitle, createdAt, highlights = [], sections, environment } = report;
  const bodies = sections.map((section, i) => renderSection(section, idOf(i)));
  const links = sections.map((section, i) => html`<a href="#${idOf(i)}">${section.title}</a>`);
  const tiles = highlights.map(
    ({ label, value, note, tone = "neutral" }) =>
      html`<div>
        <dt>${label}</dt>
        <dd class="tone-${tone}">${value}</dd>
        ${note === undefined ? undefined : html`<dd>${note}</dd>`}
      </div>`,
  );
  const versions = Object.entries(environment ?? {}).map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <header>
          ${createdAt === undefined ? undefined : html`<p class="when">${createdAt}</p>`}
          <h1>${title}</h1>
          ${subtitle === undefined ? undefined : html`<p class="subtitle">${subtitle}</p>`}
          ${tiles.length === 0 ? undefined : html`<dl class="highlights">${tiles}</dl>`}
          ${links.length < 3 ? undefined : html`<nav aria-label="Sections">${links}</nav>`}
        </header>
        <main>${bodies}</main>
        ${
          versions.length === 0
            ? undefined
            : html`<footer>
                <strong>Made with</strong>
                <dl>${versions}</dl>
              </footer>`
        }
      </body>
    </html> `;
  return page.toString();
}

const idOf = (section: number): string => `s${String(section)}`;

function renderSection(section: ReportSection, id: string): Html {
  const intro =
    section.intro === undefined ? undefined : html`<p class="intro">${section.intro}</p>`;
  return html`<section id="${id}" class="${section.kind}-section">
    <h2>${section.title}</h2>
    ${intro}${renderBody(section, id)}
  </section> `;
}

function renderBody(section: ReportSection, id: string): Html {
  switch (section.kind) {
    case "table":
      return renderTable(section);
    case "charts":
      return renderCharts(section.charts);
    case "gallery":
      return renderGallery(section, id);
    case "note":
      return html`<div class="note tone-${section.tone ?? "neutral"}">
        ${section.text.map((p) => html`<p>${p}</p>`)}
      </div>`;
  }
}
