/** Markup that is safe to put into a page: made by {@link html} or declared so by {@link trusted}. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

type Content = Html | string | number | undefined | readonly Content[];

/** Markup with every interpolated text escaped; {@link Html} and lists of it go in as they are, undefined as nothing. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(parts.reduce((markup, part, i) => markup + markupOf(contents[i - 1]) + part));
}

/** Declares markup of our own making (an SVG we drew, the style sheet) safe. */
export const trusted = (markup: string): Html => new Html(markup);

/** Text made harmless, in element content and in quoted attributes alike. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"'`]/g, (ch) => `&#${String(ch.charCodeAt(0))};`);
}

function markupOf(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Html) return content.toString();
  if (typeof content === "string" || typeof content === "number")
    return escapeText(String(content));
  return content.map(markupOf).join("");
}
