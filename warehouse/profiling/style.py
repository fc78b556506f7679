"""The look of the page."""

STYLE = """
:root { color-scheme: light; --ink: #1f2933; --soft: #5f6c7b; --line: #e1e6ec; --wash: #f6f8fa; --grey: #a9b4c0;
  --accent: #1f5f99; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, header, footer { max-width: 1200px; margin: 0 auto; padding: 0 28px; }
header { padding-top: 36px; border-top: 5px solid var(--accent); max-width: none; background: var(--wash);
  border-bottom: 1px solid var(--line); padding-bottom: 24px; }
header > *, header > p { max-width: 1144px; margin-left: auto; margin-right: auto; }
h1 { font-size: 30px; line-height: 1.2; margin-top: 0; margin-bottom: 6px; letter-spacing: -0.01em; }
h2 { font-size: 22px; margin: 0 0 10px; padding-top: 34px; }
h3 { font-size: 15px; margin: 0 0 8px; }
section > h3 { margin-top: 22px; }
.grid + p { margin-top: 14px; }
p { max-width: 85ch; margin: 0 0 14px; }
.soft, figcaption { color: var(--soft); }
a { color: var(--accent); }
nav ol { display: flex; flex-wrap: wrap; gap: 4px 26px; margin: 18px 0 0; padding: 0; list-style-position: inside; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 16px; margin: 28px 0 0; }
.fact { border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 6px; padding: 12px 16px; }
.fact b { display: block; font-size: 26px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.fact span { color: var(--soft); font-size: 13px; }
.grid { columns: 2 500px; column-gap: 22px; margin-bottom: 4px; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: 16px 18px; margin-bottom: 22px;
  break-inside: avoid; }
.scroll { overflow-x: auto; margin-bottom: 14px; }
.card .scroll { margin-bottom: 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: middle; }
th:first-child, .card th:first-child { padding-left: 0; }
td:last-child, thead th:last-child, .card td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); vertical-align: bottom; }
tbody th { font-weight: 500; }
tbody tr:hover { background: var(--wash); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.c { width: 128px; line-height: 0; }
.c svg { max-width: none; }
.card table { font-size: 13px; }
.card th, .card td { padding-left: 6px; padding-right: 6px; }
span.name[title]:not([title=""]) { cursor: help; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
details { margin: 10px 0 0; }
summary { cursor: pointer; color: var(--accent); }
details .scroll { margin-top: 8px; }
figure { margin: 0 0 14px; }
figcaption { font-size: 13px; }
svg { max-width: 100%; height: auto; overflow: visible; font-family: inherit; }
svg .bar { fill: var(--accent); }
svg .rest { fill: #e6ebf1; }
svg .axis { stroke: #c3ccd6; stroke-width: 1; }
svg text { font-size: 12.5px; fill: var(--ink); }
svg .label { text-anchor: end; }
svg .value { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .tick { fill: var(--soft); font-size: 11.5px; font-weight: 600; }
svg .overall { stroke: var(--grey); stroke-width: 1; stroke-dasharray: 2 2; }
svg .interval { stroke: var(--accent); stroke-width: 2; opacity: 0.55; }
svg .dot { fill: var(--accent); }
footer { color: var(--soft); font-size: 13px; margin-top: 40px; padding-bottom: 40px; }
@media print { header { background: none; } }
"""
