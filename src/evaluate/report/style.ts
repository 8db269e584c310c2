/** The page's style sheet: light, dark and paper from the same rules. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --ink: #18212b; --muted: #5c6876; --line: #e1e6ec; --faint: #f0f3f6;
  --accent: #0f6fdc; --bar: #0f6fdc33; --good: #0a7d43; --bad: #c62f2f; --warn: #96610a;
  --chart-text: #55616e; --chart-grid: #e4e9ee; --shadow: 0 1px 2px #1018280d, 0 4px 16px #1018280a;
  --series-0: #0f6fdc; --series-1: #e0662a; --series-2: #13966b; --series-3: #9145c9; --series-4: #c78a00; --series-5: #d43f78;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0e1318; --card: #171d24; --ink: #e6ebf0; --muted: #94a1af; --line: #2a333d; --faint: #1d252d;
    --accent: #5aa9ff; --bar: #5aa9ff3d; --good: #46cf8b; --bad: #ff7b7b; --warn: #f0b64d;
    --chart-text: #9aa7b4; --chart-grid: #2b343e; --shadow: none;
    --series-0: #5aa9ff; --series-1: #ff9159; --series-2: #43cf9d; --series-3: #c08bf0; --series-4: #e9b949; --series-5: #f77aa8;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; overflow-wrap: anywhere; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1160px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 44px; padding-bottom: 8px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.02em; margin: 0; text-wrap: balance; }
h2 { font-size: 19px; line-height: 1.3; letter-spacing: -.01em; margin: 0; }
.subtitle { color: var(--muted); font-size: 16px; margin: 8px 0 0; max-width: 75ch; }
.when { color: var(--muted); font-size: 13px; margin: 0 0 10px; letter-spacing: .02em; }
nav { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 20px; }
nav a { color: var(--muted); text-decoration: none; font-size: 13px; padding: 4px 11px; border: 1px solid var(--line); border-radius: 999px; background: var(--card); }
nav a:hover, nav a:focus-visible { color: var(--accent); border-color: var(--accent); }
.highlights { display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr)); gap: 14px; margin: 22px 0 0; padding: 0; }
.highlights > div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px 13px; box-shadow: var(--shadow); display: flex; flex-direction: column; }
.highlights dt { color: var(--muted); font-size: 13px; }
.highlights dd { margin: 2px 0 0; font-size: 25px; font-weight: 650; letter-spacing: -.02em; line-height: 1.25; font-variant-numeric: tabular-nums; }
.highlights dd + dd { font-size: 12.5px; font-weight: 400; letter-spacing: 0; color: var(--muted); line-height: 1.4; margin-top: 5px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px 24px 24px; margin: 18px 0; box-shadow: var(--shadow); scroll-margin-top: 12px; }
.intro { color: var(--muted); margin: 5px 0 0; max-width: 82ch; }
section > .scroll, section > .chart-grid, section > .gallery, section > .note { margin-top: 16px; }
.scroll { overflow-x: auto; }
table { overflow-wrap: normal; border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 8px 14px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 4px; }
thead th { font-size: 12.5px; font-weight: 550; color: var(--muted); border-bottom-color: var(--line); white-space: nowrap; vertical-align: bottom; }
tbody th { font-weight: 550; }
tbody tr:last-child > * { border-bottom: 0; }
tr.emphasis > * { background: var(--faint); }
tr.emphasis > :first-child { box-shadow: inset 3px 0 var(--accent); padding-left: 12px; }
.number { text-align: right; white-space: nowrap; }
td small, th small { display: block; color: var(--muted); font-weight: 400; font-size: 12.5px; white-space: normal; }
.bar { display: block; height: 4px; border-radius: 2px; background: var(--faint); margin-top: 4px; min-width: 64px; overflow: hidden; }
.bar b { display: block; height: 100%; background: var(--accent); border-radius: 2px; }
.tone-good { color: var(--good); } .tone-bad { color: var(--bad); } .tone-warn { color: var(--warn); }
.chart-grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 26px 30px; }
.chart-grid.third { grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); }
.chart { margin: 0; min-width: 0; display: flex; flex-direction: column; }
.chart figcaption { font-weight: 550; font-size: 14.5px; }
.chart svg { display: block; width: 100%; height: auto; max-width: 620px; margin-top: auto; padding-top: 6px; }
.chart small { color: var(--muted); font-size: 12.5px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 0; padding: 0; font-size: 13px; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 7px; }
.legend i { width: 16px; height: 0; border-top: 3px solid var(--colour); border-radius: 2px; }
.legend i.dashed { border-top-style: dashed; border-radius: 0; }
.legend b { color: var(--colour); font-size: 12px; line-height: 1; }
.switches { display: flex; flex-wrap: wrap; gap: 6px 16px; font-size: 13px; color: var(--muted); margin-bottom: 14px; align-items: center; }
.switches label, .switches span { display: inline-flex; align-items: center; gap: 6px; }
.switches label { cursor: pointer; color: var(--ink); }
.switches input { accent-color: var(--accent); margin: 0; }
.dot { width: 10px; height: 10px; border-radius: 50%; box-shadow: 0 0 0 1px #0003; }
.box-swatch { width: 15px; height: 11px; border: 2px solid var(--muted); border-radius: 2px; }
.box-swatch.role-truth, .box-swatch.role-missed { border-style: dashed; }
.box-swatch.role-correct { border-color: #2fb96d; } .box-swatch.role-wrong { border-color: #ff4d4d; } .box-swatch.role-missed { border-color: #e69a12; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 20px; align-items: start; }
.picture { margin: 0; min-width: 0; }
.stage { aspect-ratio: var(--stage); container-type: size; display: grid; place-items: center; border-radius: 9px; background: var(--faint); overflow: hidden; }
.frame { position: relative; width: min(100cqw, calc(100cqh * var(--ratio))); overflow: hidden; border-radius: 9px; background: #11161b; aspect-ratio: var(--ratio); }
.frame img { display: block; width: 100%; height: 100%; }
.frame svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.frame rect { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.frame .halo { stroke: #0008; stroke-width: 4px; }
.frame .line { stroke: var(--colour); stroke-width: 2px; }
.role-truth .halo { stroke-width: 2.6px; } .role-truth .line { stroke-width: 1.4px; stroke-dasharray: 5 4; }
.role-missed .line { stroke-dasharray: 6 4; }
.role-correct .line { stroke-width: 1.6px; }
.label { position: absolute; font-size: 11px; line-height: 1.35; font-weight: 600; padding: 0 5px; margin: 1px 0; border-radius: 3px; background: var(--colour); color: #0b0f13; white-space: nowrap; pointer-events: none; font-variant-numeric: tabular-nums; }
.label.role-missed { background: #0b0f13d9; color: var(--colour); outline: 1px dashed var(--colour); outline-offset: -1px; }
.picture figcaption { display: flex; flex-wrap: wrap; gap: 0 10px; margin-top: 7px; font-size: 13.5px; overflow-wrap: anywhere; }
.picture figcaption strong { font-weight: 550; } .picture figcaption span { color: var(--muted); }
.open { position: absolute; inset: 0; cursor: zoom-in; } .close { display: none; }
.open:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
.picture:target { position: fixed; inset: 0; z-index: 9; background: #06090cf2; display: flex; flex-direction: column; align-items: center; justify-content: center; padding: 20px; }
.picture:target .stage { width: 100%; height: calc(100vh - 110px); aspect-ratio: auto; background: none; }
.crowded:not(:target) :is(.label.role-correct, .label.role-missed) { display: none; }
.picture:target .label { font-size: 14px; }
.picture:target figcaption { color: #e6ebf0; font-size: 15px; } .picture:target figcaption span { color: #a3b0bd; }
.picture:target .open { display: none; }
.picture:target .close { display: grid; place-items: center; position: fixed; top: 14px; right: 18px; width: 40px; height: 40px; border-radius: 50%; background: #ffffff22; color: #fff; font-size: 24px; text-decoration: none; }
${["truth", "prediction", "correct", "wrong", "missed"]
  .map(
    (role) =>
      `.gallery:has(input[data-role="${role}"]:not(:checked)) .frame .role-${role} { display: none; }`,
  )
  .join("\n")}
.note { border-left: 3px solid var(--accent); padding-left: 16px; }
.note.tone-good { border-color: var(--good); } .note.tone-bad { border-color: var(--bad); } .note.tone-warn { border-color: var(--warn); }
.note p { margin: 0 0 8px; color: var(--ink); max-width: 82ch; } .note p:last-child { margin: 0; }
footer { padding-top: 6px; padding-bottom: 48px; color: var(--muted); font-size: 13px; }
footer dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 4px 24px; margin: 8px 0 0; }
footer dl div { display: flex; gap: 8px; } footer dt { min-width: 0; } footer dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
@media (max-width: 640px) { header, main, footer { padding-left: 14px; padding-right: 14px; } section { padding: 18px 16px; } h1 { font-size: 25px; } }
@media print {
  body { background: #fff; font-size: 11pt; } header, main, footer { max-width: none; padding: 0; }
  nav, .switches label, .open { display: none; }
  section, .highlights > div { box-shadow: none; border-color: #cfd6dd; }
  section { padding: 14px 16px; } tr, .picture, .chart, .highlights, .note { break-inside: avoid; } h2, .intro { break-after: avoid; }
  .pictures { grid-template-columns: repeat(2, 1fr); } .bar b, .label, .frame, tr.emphasis > *, .dot { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
