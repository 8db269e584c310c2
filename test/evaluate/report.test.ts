import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  formatValue,
  renderReport,
  runReport,
  type Picture,
  type Report,
} from "../../src/evaluate/index.js";
import { encodeImage } from "../../src/image/index.js";
import { findProgram, requires } from "../support/requirements.js";

const HOSTILE = `<script>alert(1)</script><img src=https://example.invalid/x onerror="alert(2)">&amp;'"\``;

async function picture(boxes: Picture["boxes"] = []): Promise<Picture> {
  const [widthPx, heightPx] = [64, 48];
  const pixels = new Uint8Array(widthPx * heightPx * 3).fill(120);
  // Twice as large a frame as the image: boxes are in the frame's px.
  return {
    title: HOSTILE,
    caption: HOSTILE,
    image: await encodeImage(pixels, { widthPx, heightPx }),
    widthPx: 128,
    heightPx: 96,
    boxes,
  };
}

const box = { xMin: 32, yMin: 24, xMax: 96, yMax: 72, classId: 0 };

async function hostileReport(): Promise<Report> {
  return {
    title: HOSTILE,
    subtitle: HOSTILE,
    createdAt: HOSTILE,
    highlights: [{ label: HOSTILE, value: HOSTILE, note: HOSTILE, tone: "good" }],
    sections: [
      {
        kind: "table",
        title: HOSTILE,
        intro: HOSTILE,
        columns: [{ label: HOSTILE }, { label: "share", format: "percent", bar: 1 }],
        rows: [
          [{ value: HOSTILE, note: HOSTILE }, 0.25],
          ["plain", NaN],
        ],
        emphasis: [0],
      },
      {
        kind: "charts",
        title: "Charts",
        charts: [
          {
            title: HOSTILE,
            form: "line",
            x: { label: HOSTILE },
            y: { label: "loss", scale: "log" },
            series: [
              {
                name: HOSTILE,
                noisy: true,
                points: Array.from({ length: 60 }, (_, i) => [i, i === 7 ? NaN : 1 + 1 / (i + 1)]),
              },
              { name: "b", points: [[3, 2]], dashed: true },
            ],
          },
          {
            title: "scatter",
            form: "scatter",
            x: { label: "ms" },
            y: { label: "mAP", format: "percent" },
            series: [{ name: "one", points: [[1, 0.5, HOSTILE]] }],
            note: HOSTILE,
          },
        ],
      },
      {
        kind: "gallery",
        title: "Gallery",
        classes: [HOSTILE],
        pictures: [
          await picture([
            { ...box, role: "truth" },
            { ...box, xMax: 100, score: 0.87, role: "wrong" },
          ]),
        ],
      },
      { kind: "note", title: "Note", text: [HOSTILE], tone: "warn" },
    ],
    environment: { [HOSTILE]: HOSTILE },
  };
}

describe("renderReport", () => {
  it("escapes every text, and needs nothing from elsewhere", async () => {
    const page = renderReport(await hostileReport());
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<img src=https");
    expect(page).not.toMatch(/(?:href|src)="(?!#|data:)/);
    expect(page).toContain("&#60;script&#62;alert(1)");
    expect(page).toContain('src="data:image/jpeg;base64,');
  });

  it("makes the main job's report of what there is, and no section of what there is not", () => {
    const bare = runReport({ title: "t", classes: [], models: [{ name: "m" }] });
    expect(bare.sections.map(({ title }) => title)).toEqual(["Models"]);
    expect(bare.highlights).toEqual([]);
    const report = runReport({
      title: "t",
      classes: ["scratch"],
      iouThreshold: 0.33,
      models: [{ name: "student", parameters: 1_100_000, map50: 0.87, isResult: true }],
      variants: [
        { name: "a", precision: "fp32", target: "any", bytes: 4e6, map50: 0.87, ms: 5 },
        {
          name: "b",
          precision: "int8",
          target: "ort-cpu",
          bytes: 1e6,
          map50: 0.8,
          ms: 2.5,
          integerConvs: [19, 20],
          isChosen: true,
        },
      ],
      stream: { published: 10, consumed: 9, lost: 1, duplicated: 0 },
      stages: [{ name: "train", seconds: 90, budgetSeconds: 60 }],
      losses: [{ name: "student", points: [[0, 1] as const, [1, 0.5] as const] }],
    });
    expect(report.highlights?.map(({ label, value, tone }) => [label, value, tone])).toEqual([
      ["student, mAP at IoU 0.33", "87.0\u202f%", undefined],
      ["b, mAP at IoU 0.33", "80.0\u202f%", undefined],
      ["Size", "977\u202fKiB", undefined],
      ["A run takes", "2.50\u202fms", undefined],
      ["Messages lost", "1", "bad"],
    ]);
    const page = renderReport(report);
    for (const text of ["19 / 20", "−7.0", "chosen for this device", "90 s"])
      expect(page.replaceAll("\u202f", " ")).toContain(text.replaceAll("\u202f", " "));
    expect(page.match(/<svg/g)?.length).toBe(2);
  });
});

describe("formatValue", () => {
  it.each([
    [undefined, "number", "–"],
    [NaN, "percent", "–"],
    ["as it is", "bytes", "as it is"],
    [1234567, "number", "1_234_567"],
    [-0.0001, "number", "0.000"],
    [-1.5, "number", "−1.500"],
    [0.1234, "percent", "12.3_%"],
    [-0.0004, "signed-percent", "±0.0"],
    [0.031, "signed-percent", "+3.1"],
    [900, "bytes", "900_B"],
    [5 * 1024 ** 2, "bytes", "5.0_MiB"],
    [3 * 1024 ** 3, "bytes", "3.0_GiB"],
    [0.0042, "seconds", "4.20_ms"],
    [0.25, "seconds", "250_ms"],
    [7.25, "seconds", "7.3_s"],
    [200, "seconds", "3_min 20_s"],
    [7200, "seconds", "2.0_h"],
    [912000, "compact", "912_k"],
    [1_250_000, "compact", "1.25_M"],
    [0.5, "compact", "0.5"],
    [Infinity, "number", "Infinity"],
  ] as const)("writes %s as %s: %s", (value, format, text) => {
    expect(formatValue(value, format)).toBe(text.replaceAll("_", "\u202f"));
  });
});

describe.skipIf(!requires("chromium"))("the report in Chromium", () => {
  let browser: Browser;
  let markup: string;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: findProgram("chromium") ?? "chromium",
      args: ["--no-sandbox"],
    });
    markup = renderReport(await hostileReport());
  });
  afterAll(async () => {
    await browser.close();
  });

  /** Opens the report and collects what must not happen. */
  async function open(
    viewport: { width: number; height: number },
    colorScheme: "light" | "dark" = "light",
  ): Promise<{ page: Page; troubles: string[] }> {
    const page = await browser.newPage({ viewport, colorScheme });
    const troubles: string[] = [];
    page.on("console", (message) => troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("dialog", (dialog) => {
      troubles.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) troubles.push(`request ${request.url()}`);
    });
    await page.setContent(markup, { waitUntil: "load" });
    return { page, troubles };
  }

  it("shows hostile texts as texts, loads nothing, and fits a phone and a desk", async () => {
    for (const viewport of [
      { width: 1280, height: 900 },
      { width: 380, height: 800 },
    ]) {
      const { page, troubles } = await open(viewport);
      expect(await page.title()).toBe(HOSTILE);
      expect(await page.locator("h1").textContent()).toBe(HOSTILE);
      expect(await page.locator("script").count()).toBe(0);
      expect(await page.locator("main img").count()).toBe(1);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width);
      expect(troubles).toEqual([]);
      await page.close();
    }
  });

  it("puts boxes where they belong on the picture", async () => {
    const { page } = await open({ width: 1280, height: 900 });
    const frame = await page.locator(".frame").boundingBox();
    const image = await page.locator(".frame img").boundingBox();
    const drawn = await page.locator(".role-truth .line").boundingBox();
    if (!frame || !image || !drawn) throw new Error("nothing is drawn");
    expect(image.width / image.height).toBeCloseTo(128 / 96, 2);
    // A quarter in from each side; the line itself is some px wide.
    expect(Math.abs(drawn.x - (frame.x + frame.width / 4))).toBeLessThan(2);
    expect(Math.abs(drawn.y - (frame.y + frame.height / 4))).toBeLessThan(2);
    expect(Math.abs(drawn.width - frame.width / 2)).toBeLessThan(3);
    expect(Math.abs(drawn.height - frame.height / 2)).toBeLessThan(3);
    expect(await page.locator(".label").textContent()).toBe(`${HOSTILE} 0.87`);
    await page.close();
  });

  it("switches boxes off, and opens and closes a picture, without a script", async () => {
    const { page } = await open({ width: 1280, height: 900 });
    const wrong = page.locator("g.role-wrong");
    expect(await wrong.isVisible()).toBe(true);
    await page.locator('input[data-role="wrong"]').uncheck();
    expect(await wrong.isVisible()).toBe(false);
    expect(await page.locator("g.role-truth").isVisible()).toBe(true);
    const small = await page.locator(".frame").boundingBox();
    await page.locator(".open").click();
    const large = await page.locator(".frame").boundingBox();
    expect(large?.width).toBeGreaterThan(1.5 * (small?.width ?? Infinity));
    await page.locator(".close").click();
    expect((await page.locator(".frame").boundingBox())?.width).toBe(small?.width);
    await page.close();
  });

  it("draws charts in the page's colours, light, dark and on paper", async () => {
    const colours = new Set<string>();
    for (const scheme of ["light", "dark"] as const) {
      const { page } = await open({ width: 1280, height: 900 }, scheme);
      expect(await page.locator(".chart svg").count()).toBe(2);
      // What the placeholders in the drawing became.
      expect(await page.locator(".chart svg").first().innerHTML()).toContain("var(--series-0)");
      const style = (selector: string, property: string) =>
        page.evaluate<string>(
          `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).getPropertyValue(${JSON.stringify(property)})`,
        );
      colours.add(await style(".chart svg text", "fill"));
      const ink = await style("body", "color");
      const paper = await style("body", "background-color");
      expect(contrast(ink, paper)).toBeGreaterThan(7);
      await page.emulateMedia({ media: "print" });
      expect(await page.locator("nav").isVisible()).toBe(false);
      expect(await style("body", "background-color")).toBe("rgb(255, 255, 255)");
      expect(contrast(await style("body", "color"), "rgb(255, 255, 255)")).toBeGreaterThan(7);
      await page.close();
    }
    expect(colours.size).toBe(2);
  });
});

/** WCAG contrast of two `rgb(r, g, b)` colours. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? [])
      .map((v) => Number(v) / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}
