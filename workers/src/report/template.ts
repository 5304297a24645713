import { barCell, histogramChart, pairCell, shareScale } from './chart.ts';
import { formatBytes, formatCount, formatId, formatNumber, formatSeconds, formatShare } from './format.ts';
import { type Content, type Html, html } from './html.ts';
import type { NeighbourSummary } from './neighbours.ts';
import {
  mergedRecall,
  queriesAsked,
  type Recall,
  searchesOf,
  summarizeStages,
  type WorkerReport,
  warningsOf,
} from './stages.ts';
import { STYLE } from './style.ts';

/** Rows of the tables of buckets: thousands of buckets would bury the rest. */
const MOST_BUCKETS = 100;
const MOST_WARNINGS = 100;

/** The whole page. It asks for nothing from elsewhere. */
export function renderReport(summary: NeighbourSummary, reports: readonly WorkerReport[]): string {
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>LanceFlow: nearest neighbours</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Nearest neighbours</h1>
<p class="note">What LanceFlow found, where, and what it took.</p>
${warnings(reports)}
${facts(summary, reports)}
${distances(summary)}
${buckets(summary, reports)}
${searches(reports)}
${examples(summary)}
${stages(reports)}
<!-- run -->
<footer>All neighbours are in the Parquet and CSV files beside this page: query_id, rank, target_id, distance, bucket.</footer>
</body>
</html>
`;
  return page.markup;
}

/** Before all else: what the workers warned of may be wrong in the rest. */
function warnings(reports: readonly WorkerReport[]): Html {
  const all = warningsOf(reports);
  if (all.length === 0) return html``;
  const left = all.length - MOST_WARNINGS;
  return html`<section class="warnings"><h2>Warnings</h2>
<ul>
${all.slice(0, MOST_WARNINGS).map((text) => html`<li dir="auto">${text}.</li>\n`)}</ul>
${left > 0 ? html`<p>${formatCount(left)} more are in the workers' reports.</p>` : ''}</section>`;
}

function facts(summary: NeighbourSummary, reports: readonly WorkerReport[]): Html {
  const found = searchesOf(reports);
  const asked = Math.max(summary.queries, queriesAsked(found));
  const k = Math.max(summary.k, ...found.map((search) => search.k ?? 0));
  const recall = mergedRecall(reports);
  const searched = new Set(found.map(({ bucket }) => bucket)).size || summary.buckets.size;
  return html`<dl class="facts">
${fact('Queries', formatCount(asked), asked > summary.queries ? `${formatCount(asked - summary.queries)} without a neighbour` : '')}
${fact('Neighbours', formatCount(summary.rows), `up to ${formatCount(k)} a query`)}
${fact('Buckets searched', formatCount(searched), `neighbours in ${formatCount(summary.buckets.size)} of them`)}
${fact('Search', modesOf(found) || 'not reported', settingsOf(found))}
${recall ? recallFact(k, recall) : ''}
</dl>`;
}

function fact(name: string, value: Content, note: string): Html {
  return html`<div><dt>${name}</dt><dd>${value}${note && html`<small>${note}</small>`}</dd></div>`;
}

function recallFact(k: number, { mean, low, high, queries }: Recall): Html {
  const drawn = low === undefined || high === undefined ? '' : shareScale(mean, low, high);
  const how =
    low === undefined || high === undefined || queries === undefined
      ? 'every vector was compared'
      : `95% interval ${low.toFixed(3)} to ${high.toFixed(3)}; share of the true neighbours found, measured on ${formatCount(queries)} queries`;
  return fact(`Recall@${formatCount(k)}`, html`${mean.toFixed(3)}${drawn}`, how);
}

function modesOf(found: readonly WorkerReport[]): string {
  const modes = new Map<string, number>();
  for (const { mode } of found) if (mode) modes.set(mode, (modes.get(mode) ?? 0) + 1);
  if (modes.size === 1) return [...modes.keys()][0]!;
  return [...modes].map(([mode, count]) => `${mode} (${formatCount(count)})`).join(', ');
}

function settingsOf(found: readonly WorkerReport[]): string {
  const partial = found.filter(({ mode }) => mode !== 'exact');
  const range = (name: string, values: (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined);
    if (known.length === 0) return [];
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return [`${name} ${low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`}`];
  };
  return [
    ...range(
      'nprobes',
      partial.map(({ nprobes }) => nprobes),
    ),
    ...range(
      'refine factor',
      partial.filter(({ mode }) => mode === 'ann').map((one) => one.refineFactor),
    ),
  ].join(', ');
}

function formatRecall({ mean, low, high }: Recall): string {
  return low === undefined || high === undefined
    ? mean.toFixed(3)
    : `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function distances({ nearest, farthest, k, shortQueries, queries }: NeighbourSummary): Html {
  if (queries === 0) return html`<h2>Distances</h2><p>No query has a neighbour.</p>`;
  const chart = (title: string, histogram: typeof nearest) => html`<div><h3>${title}</h3>
<p class="note">median ${formatNumber(histogram.quantile(0.5))}; 90% of the queries below ${formatNumber(histogram.quantile(0.9))}</p>
${histogramChart(histogram, `Histogram of the distance: ${title}`)}</div>`;
  const short =
    shortQueries > 0
      ? html` ${formatCount(shortQueries)} queries have fewer than ${formatCount(k)} neighbours; theirs is the last they have.`
      : '';
  return html`<h2>Distances</h2>
<p>Number of queries by the distance of their nearest and of their last neighbour.${short}</p>
<div class="charts">
${chart('Rank 1', nearest)}
${k > 1 ? chart(`Rank ${formatCount(k)}`, farthest) : ''}
</div>`;
}

function buckets({ buckets: all, rows, queries }: NeighbourSummary, reports: readonly WorkerReport[]): Html {
  if (rows === 0) return html``;
  // One that gave none was searched all the same.
  const none = { neighbours: 0, nearest: 0 };
  const searched = searchesOf(reports).map(({ bucket = '' }) => [bucket, all.get(bucket) ?? none] as const);
  const sorted = [...new Map([...searched, ...all])].sort(
    ([a, x], [b, y]) => y.neighbours - x.neighbours || (a < b ? -1 : 1),
  );
  const most = sorted[0]![1].neighbours;
  const cells = sorted
    .slice(0, MOST_BUCKETS)
    .map(
      ([name, { neighbours, nearest }]) =>
        html`<tr><td>${shownId(name)}</td>${number(formatCount(neighbours))}${number(formatShare(neighbours / rows))}<td>${barCell(neighbours / most)}</td>${number(formatCount(nearest))}${number(formatShare(nearest / queries))}</tr>\n`,
    );
  return html`<h2>Buckets</h2>
<p>Number of neighbours by bucket.${more(sorted.length, 'most frequent')}</p>
${table(['Bucket', '#Neighbours', '#Share', '', '#Nearest neighbours', '#Share'], cells)}`;
}

function searches(reports: readonly WorkerReport[]): Html {
  const found = searchesOf(reports);
  if (found.length === 0) return html``;
  const took = ({ searchSeconds, seconds = 0 }: WorkerReport) => searchSeconds ?? seconds;
  const rate = (one: WorkerReport) => (one.queries && took(one) > 0 ? formatCount(one.queries / took(one)) : '');
  const shown = found.slice(0, MOST_BUCKETS);
  const hasEstimates = shown.some(({ expectedSeconds }) => expectedSeconds !== undefined);
  const longest = Math.max(1e-9, ...shown.map((one) => Math.max(took(one), one.expectedSeconds ?? 0)));
  // A column that is empty for every bucket is not shown.
  const all: [head: string, cell: (one: WorkerReport) => Html, isShown: boolean][] = [
    ['Bucket', (one) => html`<td>${shownId(one.bucket ?? '')}</td>`, true],
    ['Strategy', (one) => html`<td>${one.mode ?? ''}<small>${probesOf(one)}</small></td>`, true],
    [
      '#Recall',
      ({ recall }) => number(recall ? formatRecall(recall) : ''),
      shown.some(({ recall }) => recall !== undefined),
    ],
    ['#Estimated', (one) => number(duration(one.expectedSeconds)), hasEstimates],
    ['#Took', (one) => number(duration(took(one))), true],
    ['', (one) => html`<td>${pairCell((one.expectedSeconds ?? 0) / longest, took(one) / longest)}</td>`, true],
    ['#Queries a second', (one) => number(rate(one)), true],
    ['Other strategies, estimated', (one) => html`<td>${waysOf(one)}</td>`, hasEstimates],
  ];
  const columns = all.filter(([, , isShown]) => isShown);
  const cells = shown.map((one) => html`<tr>${columns.map(([, cell]) => cell(one))}</tr>\n`);
  const model = hasEstimates
    ? ' Pale bars are the times that the cost model estimated before it chose the strategy.'
    : '';
  return html`<h2>Searches</h2>
<p>How each bucket was searched, and how long it took.${model}${more(found.length, 'first')}</p>
${table(
  columns.map(([head]) => head),
  cells,
)}`;
}

/** How much of the bucket was looked into; empty for all of it. */
function probesOf({ mode, nprobes, refineFactor }: WorkerReport): string {
  if (mode === 'exact' || nprobes === undefined) return '';
  const refined = mode === 'ann' && refineFactor !== undefined ? `, refine factor ${formatCount(refineFactor)}` : '';
  return `nprobes ${formatCount(nprobes)}${refined}`;
}

function waysOf({ otherWays = [] }: WorkerReport): Html[] {
  return otherWays.map(
    ({ way, seconds }, i) => html`${i > 0 ? ', ' : ''}<span>${way} ${formatSeconds(seconds)}</span>`,
  );
}

function examples({ examples: some, queries, bounds: [least, most] }: NeighbourSummary): Html {
  if (some.length === 0) return html``;
  // One scale for all: a short bar is a near neighbour.
  const share = (distance: number) => (most > least ? (distance - least) / (most - least) : 0);
  const one = ({ query, neighbours }: (typeof some)[number], i: number) => html`<details${i < 1 ? html` open` : ''}>
<summary>${shownId(query)} ${nearestOf(neighbours[0])}</summary>
${table(
  ['#Rank', 'Neighbour', '#Distance', '', 'Bucket'],
  neighbours.map(
    ({ target, distance, bucket }, at) =>
      html`<tr>${number(formatCount(at + 1))}<td>${shownId(target)}</td>${number(formatNumber(distance))}<td>${barCell(share(distance))}</td><td>${shownId(bucket)}</td></tr>\n`,
  ),
)}
</details>
`;
  return html`<h2>First queries</h2>
<p>The first ${formatCount(some.length)} of ${formatCount(queries)} queries, in the order of their ids, with their first neighbours. The bars are distances: from
${formatNumber(least)} to ${formatNumber(most)}, the farthest of all neighbours.</p>
${some.map(one)}`;
}

/** The nearest neighbour beside a query's id: readable while its table is closed. */
function nearestOf(nearest: NeighbourSummary['examples'][number]['neighbours'][number] | undefined): Html {
  if (!nearest) return html``;
  return html`<span class="note">nearest: ${shownId(nearest.target)} at ${formatNumber(nearest.distance)}</span>`;
}

function stages(reports: readonly WorkerReport[]): Html {
  const all = summarizeStages(reports);
  if (all.length === 0) return html`<h2>Time and memory</h2><p>No worker reports were given.</p>`;
  const most = Math.max(...all.map(({ seconds }) => seconds), 1e-9);
  const cells = all.map(
    (stage) =>
      html`<tr><td>${stage.command}</td>${number(formatCount(stage.tasks))}${number(formatCount(stage.rows))}${number(formatSeconds(stage.seconds))}<td>${barCell(stage.seconds / most)}</td>${number(formatSeconds(stage.longestSeconds))}${number(formatSeconds(stage.cpuSeconds))}${number(formatBytes(stage.bytes))}${number(formatBytes(stage.peakMemoryBytes))}</tr>\n`,
  );
  const head = ['Stage', '#Tasks', '#Rows', '#Time', '', '#Longest task', '#CPU time', '#Output', '#Peak memory'];
  return html`<h2>Time and memory</h2>
<p>By stage. Time adds up the tasks of a stage, which may have run side by side; peak memory is that of the largest task.</p>
${table(head, cells)}`;
}

/** @param head names of the columns; those with # are numbers */
function table(head: readonly string[], rows: readonly Html[]): Html {
  const cells = head.map((name) =>
    name.startsWith('#') ? html`<th class="number">${name.slice(1)}</th>` : html`<th>${name}</th>`,
  );
  return html`<div class="scroll"><table>
<thead><tr>${cells}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

const number = (text: Content): Html => html`<td class="number">${text}</td>`;
const duration = (seconds: number | undefined) => (seconds === undefined ? '' : formatSeconds(seconds));
/** Isolated, so that an id written from right to left does not turn its neighbours around. */
const shownId = (id: string): Html => html`<bdi>${formatId(id)}</bdi>`;
const more = (all: number, which: string): string =>
  all > MOST_BUCKETS ? ` The ${formatCount(MOST_BUCKETS)} ${which} of ${formatCount(all)}.` : '';
