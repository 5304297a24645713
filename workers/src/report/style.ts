import { Html } from './html.ts';

/** Style sheet of the page, for light and dark mode. */
export const STYLE = new Html(`
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6678; --paper: #fff; --panel: #f5f7fa; --line: #dde3ea; --accent: #2f6fb3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ef; --soft: #98a4b5; --paper: #12161d; --panel: #1a202a; --line: #2d3643; --accent: #6aa9e9; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.note { color: var(--soft); }
.warnings { border-left: 4px solid var(--accent); padding-left: 1rem; margin: 1.25rem 0; }
.warnings h2 { margin-top: 0; }
.warnings li { max-width: 46rem; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; }
.facts div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.facts small { display: block; color: var(--soft); font-size: .8rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1.5rem; }
svg { display: block; width: 100%; height: auto; }
figure svg { color: var(--soft); font-size: 12px; }
svg .bar { fill: var(--accent); }
svg .pale { fill: var(--accent); opacity: .45; }
svg .track { fill: var(--line); }
svg.scale { height: .6rem; margin: .35rem 0; }
svg.inline { width: 7rem; height: .7rem; margin-top: .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.25rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
td small { display: block; color: var(--soft); font-size: .85em; white-space: nowrap; }
td span, td.number { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
bdi { display: inline-block; max-width: 26rem; font-family: ui-monospace, monospace; font-size: .88em; overflow-wrap: break-word; }
td:nth-child(2):last-child bdi { max-width: 54rem; }
summary bdi { max-width: 100%; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: .15em; }
td small.text { max-width: 26rem; white-space: normal; }
small.text bdi { font-family: inherit; font-size: 1em; max-width: 100%; overflow-wrap: anywhere; }
summary .note { margin-left: 1rem; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; }
details table { margin: .5rem 0 .75rem; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
figure { margin: 0; }
figure.single { max-width: 34rem; }
.search { font: inherit; width: min(24rem, 100%); margin: 0 0 .5rem; padding: .3rem .5rem; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--accent); }
th[aria-sort='ascending'] button::after { content: ' \\2191'; }
th[aria-sort='descending'] button::after { content: ' \\2193'; }
.sortable .scroll { max-height: 30rem; overflow: auto; }
@media (max-width: 30rem) { body { padding: 1rem .75rem 3rem; } figure svg { font-size: 15px; } svg.inline { width: 2.5rem; } th, td { padding-right: .75rem; } table { font-size: .85rem; } bdi { max-width: 8rem; } td small.text { max-width: 11rem; } small.text bdi { max-width: 11rem; } }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  .scroll, .sortable .scroll { overflow: visible; max-height: none; }
  th, td { padding-right: .5rem; white-space: normal; overflow-wrap: anywhere; }
  bdi { max-width: 14rem; }
  .search { display: none; }
  details, figure, tr { break-inside: avoid; }
}
`);
