import { html, type Html } from "./html.js";
import type { BoxRole, GallerySection, Picture, PictureBox } from "./report.js";

/** Hues that stay apart from each other on grey metal, green boards and photos. */
const CLASS_COLOURS = [
  "#ff5d5d",
  "#3fa7ff",
  "#ffc533",
  "#3ddc84",
  "#c77dff",
  "#ff8f3f",
  "#2ee6d6",
  "#ff6fb5",
  "#a3e635",
  "#8b9dff",
  "#e0b084",
  "#9ca3af",
] as const;

/** Colour of a class, the same in every picture of a report. */
export const classColour = (classId: number): string =>
  CLASS_COLOURS[classId % CLASS_COLOURS.length] ?? CLASS_COLOURS[0];

const ROLE_WORDS: Record<BoxRole, string> = {
  truth: "labelled",
  prediction: "found",
  correct: "found, right",
  wrong: "found, wrong",
  missed: "missed",
};

/** Judged boxes are told apart by being right or wrong, the others by class. */
const ROLE_COLOURS: Partial<Record<BoxRole, string>> = {
  truth: "#ffffff",
  correct: "#3ddc84",
  wrong: "#ff4d4d",
  missed: "#ffb020",
};

/** With more boxes than this, small pictures show the words of wrong boxes only. */
const MOST_LABELS = 12;

const ROLES = Object.keys(ROLE_WORDS) as BoxRole[];

/**
 * Pictures with boxes on top, as an SVG layer over the image. Roles can be switched off, and a picture opens in full
 * size, without any script.
 * @param id unique in the page
 */
export function renderGallery({ classes, pictures }: GallerySection, id: string): Html {
  const used = new Set(pictures.flatMap((p) => p.boxes.map((box) => box.role)));
  const found = new Set(
    pictures.flatMap((p) => p.boxes.filter((b) => b.role === "prediction").map((b) => b.classId)),
  );
  const switches = ROLES.filter((role) => used.has(role)).map(
    (role) =>
      html`<label
        ><input type="checkbox" checked data-role="${role}" /><i class="box-swatch role-${role}"></i
        >${ROLE_WORDS[role]}</label
      >`,
  );
  const legend = (classes.length > CLASS_COLOURS.length ? [] : [...found])
    .sort((a, b) => a - b)
    .map(
      (classId) =>
        html`<span
          ><i class="dot" style="background:${classColour(classId)}"></i
          >${nameOf(classes, classId)}</span
        >`,
    );
  const figures = pictures.map((picture, i) =>
    renderPicture(picture, classes, `${id}-${String(i)}`),
  );
  return html`<div class="gallery">
    <div class="switches">${switches}${legend}</div>
    <div class="pictures" style="--stage:${stageRatio(pictures).toFixed(3)}">${figures}</div>
  </div>`;
}

/** Shape of the frame that pictures stand in: their median, within reason. */
function stageRatio(pictures: readonly Picture[]): number {
  const ratios = pictures.map((p) => p.widthPx / p.heightPx).sort((a, b) => a - b);
  return Math.min(1.9, Math.max(0.8, ratios[ratios.length >> 1] ?? 1));
}

function renderPicture(picture: Picture, classes: readonly string[], id: string): Html {
  const { title, caption, image, widthPx, heightPx, boxes } = picture;
  // What matters most is drawn last, on top.
  const ordered = [...boxes].sort((a, b) => ROLES.indexOf(a.role) - ROLES.indexOf(b.role));
  const rects = ordered.map((box) => renderBox(box));
  const labels = ordered
    .filter(({ role }) => role !== "truth")
    .map((box) => renderLabel(box, picture, classes));
  const source = `data:${mediaType(image)};base64,${Buffer.from(image).toString("base64")}`;
  return html`<figure class="picture${boxes.length > MOST_LABELS ? " crowded" : ""}" id="${id}">
    <div class="stage">
      <div class="frame" style="--ratio:${(widthPx / heightPx).toFixed(4)}">
        <img alt="${describe(picture, classes)}" src="${source}" /><svg
          viewBox="0 0 ${widthPx} ${heightPx}"
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          ${rects}</svg
        >${labels}<a class="open" href="#${id}" aria-label="Show ${title} larger"></a
        ><a class="close" href="#${id}-closed" aria-label="Close">×</a>
      </div>
    </div>
    <figcaption>
      <strong>${title}</strong>${caption === undefined ? undefined : html`<span>${caption}</span>`}
    </figcaption>
  </figure>`;
}

function renderBox({ xMin, yMin, xMax, yMax, classId, role }: PictureBox): Html {
  const n = (v: number): string => v.toFixed(1);
  const at = html`x="${n(xMin)}" y="${n(yMin)}" width="${n(Math.max(0, xMax - xMin))}"
  height="${n(Math.max(0, yMax - yMin))}"`;
  return html`<g class="role-${role}" style="--colour:${boxColour(role, classId)}"
    ><rect class="halo" ${at} /><rect class="line" ${at}
  /></g>`;
}

function renderLabel(
  box: PictureBox,
  { widthPx, heightPx }: Picture,
  classes: readonly string[],
): Html {
  const percent = (part: number, whole: number): string =>
    `${Math.min(100, Math.max(0, (100 * part) / whole)).toFixed(2)}%`;
  const name = nameOf(classes, box.classId);
  const text = box.score === undefined ? name : `${name} ${box.score.toFixed(2)}`;
  // Right half of the picture: the label ends where the box does. Near the top: it hangs below the box's upper edge.
  const horizontal =
    box.xMin > 0.6 * widthPx
      ? `right:${percent(widthPx - box.xMax, widthPx)}`
      : `left:${percent(box.xMin, widthPx)}`;
  const vertical =
    box.yMin > 0.08 * heightPx
      ? `bottom:${percent(heightPx - box.yMin, heightPx)}`
      : box.yMax < 0.9 * heightPx
        ? `top:${percent(box.yMax, heightPx)}`
        : `top:${percent(box.yMin, heightPx)}`;
  return html`<span
    class="label role-${box.role}"
    style="--colour:${boxColour(box.role, box.classId)};${horizontal};${vertical}"
    >${text}</span
  >`;
}

const boxColour = (role: BoxRole, classId: number): string =>
  ROLE_COLOURS[role] ?? classColour(classId);

const nameOf = (classes: readonly string[], classId: number): string =>
  classes[classId] ?? `class ${String(classId)}`;

/** What a reader without the picture is told. */
function describe({ title, boxes }: Picture, classes: readonly string[]): string {
  const words = ROLES.flatMap((role) => {
    const names = boxes.filter((b) => b.role === role).map((b) => nameOf(classes, b.classId));
    return names.length === 0 ? [] : [`${ROLE_WORDS[role]}: ${names.join(", ")}`];
  });
  return [title, ...words].join("; ");
}

function mediaType(image: Uint8Array): string {
  if (image[0] === 0x89 && image[1] === 0x50) return "image/png";
  if (image[0] === 0x52 && image[8] === 0x57) return "image/webp";
  return "image/jpeg";
}
