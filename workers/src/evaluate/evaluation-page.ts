import * as Plot from '@observablehq/plot';
import { counted } from '../base/text/counted.ts';
import { drawChart } from '../report/charts.ts';
import { formatCount } from '../report/format.ts';
import { type Html, html } from '../report/html.ts';
import { number, pageHead, table } from '../report/page-parts.ts';
import { STYLE } from '../report/style.ts';
import type { Evaluation, EvaluationPoint } from './evaluation.ts';
import { millisecondsText, pointCells, pointColumns, recallText, searchCommand, settingsText } from './point-text.ts';

const SIZE = { width: 720, height: 400, marginTop: 28, marginRight: 24, marginLeft: 56, marginBottom: 48 };
const COLORS = { exact: 'var(--ink)', scan: 'var(--second)', ann: 'var(--accent)' };
/** What the page adds to the style of the report. */
const OWN_STYLE = html`:root { --second: #b3622f; } .wide, .wide bdi { max-width: 52rem; }`;
/** Keeps texts apart from the lines below them. */
const HALO = { stroke: 'var(--paper)', strokeWidth: 4 } as const;
/** Colors of a drawing that stands alone, as those of the report. */
const OWN_COLORS =
  'svg { background: #fff; --paper: #fff; --ink: #1c2330; --accent: #2f6fb3; --second: #b3622f; color: #5b6678; }';

/** Draws recall against time, with intervals; a ring marks the recommended point. */
function evaluationChart(evaluation: Evaluation): Html {
  const { points, recommended, targetRecall, k } = evaluation;
  const shown = points.map((point) => ({
    ...point.recall,
    milliseconds: 1000 * point.secondsPerQuery,
    line: `${point.strategy} ${point.refineFactor ?? ''}`,
    color: COLORS[point.strategy],
    tip: tipOf(point),
  }));
  const [x, y] = ['milliseconds', 'mean'] as const;
  const best = recommended === undefined ? [] : [{ ...shown[recommended]!, text: settingsText(points[recommended]!) }];
  // One name for each strategy, at its best point.
  const nameOf = (strategy: string) => {
    const own = shown.filter(({ line }) => line.startsWith(`${strategy} `));
    return own.length === 0 ? [] : [{ ...own.reduce((a, b) => (b.mean > a.mean ? b : a)), strategy }];
  };
  const named = { x, y, text: 'strategy', fill: 'color', fontWeight: 600, ...HALO };
  const isOneTime = new Set(shown.map(({ milliseconds }) => milliseconds)).size === 1;
  return drawChart(`Recall@${k} against time`, {
    ...SIZE,
    x: {
      label: 'Milliseconds a query',
      type: isOneTime ? 'linear' : 'log',
      labelArrow: 'none',
      ticks: 6,
      tickFormat: '~g',
    },
    y: { label: `Recall@${k}`, grid: true, nice: true, labelArrow: 'none' },
    inset: 16,
    marks: [
      Plot.ruleY([targetRecall], { stroke: 'currentColor', strokeDasharray: '4 4' }),
      Plot.line(shown, { x, y, z: 'line', stroke: 'color', strokeOpacity: 0.5 }),
      Plot.ruleX(shown, { x, y1: 'low', y2: 'high', stroke: 'color', strokeOpacity: 0.5 }),
      Plot.dot(shown, { x, y, fill: 'color', r: 3.5, title: 'tip' }),
      Plot.dot(best, { x, y, stroke: 'var(--ink)', strokeWidth: 2, r: 8 }),
      Plot.text(best, { x, y, text: 'text', dx: 10, dy: 20, textAnchor: 'start', fill: 'var(--ink)', ...HALO }),
      Plot.text(['ann', 'scan'].flatMap(nameOf), { ...named, dy: -14 }),
      // `exact` is often beside the best `scan`.
      Plot.text(nameOf('exact'), { ...named, dx: 8, textAnchor: 'start' }),
    ],
  });
}

const tipOf = (point: EvaluationPoint) =>
  `${settingsText(point)}: recall ${recallText(point.recall)}, ${millisecondsText(point.secondsPerQuery)} ms a query`;

/** Renders the chart as an SVG file. */
export function evaluationSvg(evaluation: Evaluation): string {
  const { markup } = evaluationChart(evaluation);
  const at = markup.indexOf('>') + 1;
  const namespace = markup.slice(0, at).includes('xmlns=') ? '' : ' xmlns="http://www.w3.org/2000/svg"';
  return `${markup.slice(0, at - 1)}${namespace}><style>${OWN_COLORS}</style>${markup.slice(at)}\n`;
}

/** Renders a page with the chart and the table, which loads no external resources. */
export function evaluationPage(evaluation: Evaluation): string {
  const { points, recommended, k, queries, buckets, excludesSelf, database, measured, targetRecall } = evaluation;
  const best = recommended === undefined ? undefined : points[recommended]!;
  const rows = points.map((point, i) => {
    const [strategy, ...numbers] = pointCells(point);
    return html`<tr><td>${strategy}</td>${numbers.map(number)}<td>${i === recommended ? 'recommended' : ''}</td></tr>\n`;
  });
  const kind = excludesSelf ? 'rows of the database, whose own hits are not counted' : 'a query set';
  const page = html`${pageHead('LanceFlow: recall of a database', [STYLE, OWN_STYLE])}
<body>
<h1>Recall of a database</h1>
<p class="note">Recall@${formatCount(k)} against exact answers, ${counted(formatCount(queries), 'query')} (${kind}), ${counted(formatCount(Object.keys(buckets).length), 'bucket')} of <bdi>${database}</bdi>, measured ${measured}.</p>
<figure class="wide">${evaluationChart(evaluation)}</figure>
<p>${best ? html`The quickest point whose interval begins at ${targetRecall} or above: ${settingsText(best)}.` : html`No point has an interval that begins at ${targetRecall} or above.`}
Bars are 95% intervals over the queries. The dashed line is the wanted recall.</p>
${best ? html`<p class="wide">To search with it: <bdi>${searchCommand(evaluation, best)}</bdi></p>` : ''}
${table(
  pointColumns(k)
    .map((name, i) => (i === 0 ? name : `#${name}`))
    .concat(''),
  rows,
)}
<footer>Times are of this machine, with all ${counted(formatCount(queries), 'query')} searched together.</footer>
</body>
</html>
`;
  return page.markup;
}
