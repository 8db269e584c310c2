import { createRequire } from "node:module";
import type { EChartsOption, LineSeriesOption, ScatterSeriesOption } from "echarts";
import { formatValue } from "./format.js";
import { html, trusted, type Html } from "./html.js";
import type { Axis, Chart, Series } from "./report.js";

/** Drawing size; on the page a chart takes the width it gets. */
const SIZES = { half: { width: 540, height: 310 }, third: { width: 410, height: 290 } } as const;

/** Stand-ins that are replaced by the page's own colours, which differ between light, dark and paper. */
const TEXT = "#010101";
const GRID = "#010102";
const SERIES_COLOURS = 6;
const SYMBOLS = [
  { symbol: "circle", glyph: "●" },
  { symbol: "diamond", glyph: "◆" },
  { symbol: "triangle", glyph: "▲" },
  { symbol: "rect", glyph: "■" },
] as const;
const seriesColour = (i: number): string => `#01020${String(i % SERIES_COLOURS)}`;

/** Loaded when the first chart is drawn; the one-file build, which takes a quarter of the module build's time to load. */
const loadEcharts = (): typeof import("echarts") =>
  createRequire(import.meta.url)("echarts") as typeof import("echarts");

/** Charts side by side: three in a row when they come by threes, else two. */
export function renderCharts(charts: readonly Chart[]): Html {
  const size = charts.length % 3 === 0 ? "third" : "half";
  const figures = charts.map((chart) => renderChart(chart, size));
  return html`<div class="chart-grid ${size}">${figures}</div>`;
}

/** Draws a chart as SVG markup, without a browser; the legend is HTML. */
function renderChart(chart: Chart, size: keyof typeof SIZES): Html {
  const echarts = loadEcharts();
  const instance = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    ...SIZES[size],
  });
  try {
    instance.setOption(chartOption({ ...chart, series: chart.series.map(finite) }));
    const svg = themed(instance.renderToSVGString({ useViewBox: true }));
    const legend =
      chart.series.length < 2
        ? undefined
        : html`<ul class="legend">
            ${chart.series.map((s, i) => renderLegendItem(s, i, chart.form))}
          </ul>`;
    return html`<figure class="chart">
      <figcaption>${chart.title}</figcaption>
      ${legend}${trusted(svg)}${
        chart.note === undefined ? undefined : html`<small>${chart.note}</small>`
      }
    </figure>`;
  } finally {
    instance.dispose();
  }
}

function renderLegendItem({ name, dashed = false }: Series, i: number, form: Chart["form"]): Html {
  const mark =
    form === "scatter"
      ? html`<b>${SYMBOLS[i % SYMBOLS.length]?.glyph}</b>`
      : html`<i class="${dashed ? "dashed" : ""}"></i>`;
  return html`<li style="--colour:var(--series-${i % SERIES_COLOURS})">${mark}${name}</li>`;
}

/** A diverged loss is a gap, not the end of the axis. */
const finite = (series: Series): Series => ({
  ...series,
  points: series.points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b)),
});

function chartOption({ form, x, y, series }: Chart): EChartsOption {
  return {
    animation: false,
    textStyle: { fontFamily: "inherit", color: TEXT },
    grid: { left: 56, right: 16, top: 14, bottom: 50 },
    xAxis: { ...axisOption(x, valuesOf(series, 0)), nameGap: 30 },
    yAxis: { ...axisOption(y, valuesOf(series, 1)), nameGap: 42 },
    series:
      form === "scatter"
        ? series.map((s, i) => scatterSeries(s, i, 0.6 * Math.max(...valuesOf(series, 0))))
        : series.flatMap((s, i) => lineSeries(s, seriesColour(i))),
  };
}

const valuesOf = (series: readonly Series[], at: 0 | 1): number[] =>
  series.flatMap(({ points }) => points.map((point) => point[at]));

function axisOption(axis: Axis, values: readonly number[]) {
  const { label, min, max, scale = "linear", format = "compact" } = axis;
  const span =
    (max ?? values.reduce((a, b) => Math.max(a, b), -Infinity)) -
    (min ?? values.reduce((a, b) => Math.min(a, b), Infinity));
  const digits = format === "percent" ? (span < 0.02 ? 2 : span < 0.12 ? 1 : 0) : undefined;
  return {
    type: scale === "log" ? ("log" as const) : ("value" as const),
    name: label,
    nameLocation: "middle" as const,
    nameTextStyle: { color: TEXT, fontSize: 12 },
    // Unless an end is given, the axis need not reach down to zero.
    scale: true,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    splitNumber: 5,
    axisLabel: {
      color: TEXT,
      fontSize: 11.5,
      hideOverlap: true,
      formatter: (value: number) => formatValue(value, format, digits),
    },
    axisLine: { show: true, lineStyle: { color: GRID } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: GRID, width: 1 } },
  };
}

function lineSeries(
  { points, dashed = false, noisy = false }: Series,
  color: string,
): LineSeriesOption[] {
  const line = (
    data: readonly (readonly [number, number])[],
    width: number,
    opacity: number,
  ): LineSeriesOption => ({
    type: "line",
    data: data.map(([a, b]) => [a, b]),
    symbol: data.length === 1 ? "circle" : "none",
    sampling: "lttb",
    lineStyle: {
      color,
      width,
      opacity,
      type: dashed ? "dashed" : "solid",
      cap: "round",
      join: "round",
    },
    itemStyle: { color },
    silent: true,
  });
  const values = points.map(([a, b]) => [a, b] as const);
  if (!noisy || points.length < 20) return [line(values, 2.2, 1)];
  return [line(values, 1, 0.28), line(runningMean(values), 2.4, 1)];
}

/** @param middle points beyond it have their words on the left, where there is room */
function scatterSeries({ points }: Series, i: number, middle: number): ScatterSeriesOption {
  const color = seriesColour(i);
  return {
    type: "scatter",
    symbolSize: 13,
    symbol: SYMBOLS[i % SYMBOLS.length]?.symbol ?? "circle",
    itemStyle: { color, opacity: 0.92 },
    data: points.map(([a, b, label]) => ({
      value: [a, b],
      label: {
        show: label !== undefined,
        formatter: label ?? "",
        position: a > middle ? ("left" as const) : ("right" as const),
        distance: 7,
        color: TEXT,
        fontSize: 11.5,
      },
    })),
    labelLayout: { moveOverlap: "shiftY" as const },
    silent: true,
  };
}

/** Mean over a window of about a twentieth of the points, centred. */
function runningMean(points: readonly (readonly [number, number])[]): [number, number][] {
  const half = Math.max(2, Math.round(points.length / 40));
  return points.map(([at], i) => {
    const window = points.slice(Math.max(0, i - half), i + half + 1);
    return [at, window.reduce((sum, [, value]) => sum + value, 0) / window.length];
  });
}

function themed(svg: string): string {
  let out = svg.replaceAll(TEXT, "var(--chart-text)").replaceAll(GRID, "var(--chart-grid)");
  for (let i = 0; i < SERIES_COLOURS; i++)
    out = out.replaceAll(seriesColour(i), `var(--series-${String(i)})`);
  return out;
}
