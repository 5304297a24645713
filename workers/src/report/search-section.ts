import { pairCell } from './bars.ts';
import { formatCount, formatSeconds } from './format.ts';
import { type Html, html } from './html.ts';
import { searchesOf } from './outcome/stages.ts';
import type { Recall, WorkerReport } from './outcome/worker-report.ts';
import { bucketLimit, duration, MAX_BUCKETS, number, shownId, table } from './page-parts.ts';
import { SENTENCES, TITLES } from './report-text.ts';

interface Column {
  head: string;
  cell: (search: WorkerReport) => Html;
  isShown?: boolean;
}

/** Builds the table of searches: strategy, recall, estimated and measured time by bucket. */
export function searchSection(reports: readonly WorkerReport[]): Html {
  const searches = searchesOf(reports);
  if (searches.length === 0) return html``;
  const shown = searches.slice(0, MAX_BUCKETS);
  const hasEstimates = shown.some(({ estimatedSeconds }) => estimatedSeconds !== undefined);
  const columns = columnsFor(shown, hasEstimates).filter(({ isShown = true }) => isShown);
  const rows = shown.map((search) => html`<tr>${columns.map(({ cell }) => cell(search))}</tr>\n`);
  return html`<h2>${TITLES.searches}</h2>
<p>${SENTENCES.searches}${hasEstimates ? ` ${SENTENCES.estimates}` : ''}${bucketLimit(searches.length, 'first')}</p>
${table(
  columns.map(({ head }) => head),
  rows,
)}`;
}

/** Defines the columns of the table. A column that is empty for every bucket is hidden. */
function columnsFor(shown: readonly WorkerReport[], hasEstimates: boolean): Column[] {
  const took = ({ searchSeconds, seconds = 0 }: WorkerReport) => searchSeconds ?? seconds;
  const rate = (search: WorkerReport) =>
    search.queries && took(search) > 0 ? formatCount(search.queries / took(search)) : '';
  const longest = Math.max(1e-9, ...shown.map((search) => Math.max(took(search), search.estimatedSeconds ?? 0)));
  const bars = (search: WorkerReport) => pairCell((search.estimatedSeconds ?? 0) / longest, took(search) / longest);
  return [
    { head: 'Bucket', cell: ({ bucket = '' }) => html`<td>${shownId(bucket)}</td>` },
    { head: 'Strategy', cell: (search) => html`<td>${search.mode ?? ''}<small>${probesOf(search)}</small></td>` },
    {
      head: '#Recall',
      cell: ({ recall }) => number(recall ? formatRecall(recall) : ''),
      isShown: shown.some(({ recall }) => recall !== undefined),
    },
    {
      head: '#Estimated',
      cell: ({ estimatedSeconds }) => number(duration(estimatedSeconds)),
      isShown: hasEstimates,
    },
    { head: '#Measured', cell: (search) => number(duration(took(search))) },
    { head: '', cell: (search) => html`<td>${bars(search)}</td>` },
    { head: '#Queries per second', cell: (search) => number(rate(search)) },
    {
      head: 'Other strategies, estimated',
      cell: (search) => html`<td>${otherStrategies(search)}</td>`,
      isShown: hasEstimates,
    },
  ];
}

/** Formats the number of probed partitions; empty if the whole bucket was compared. */
function probesOf({ mode, nprobes, refineFactor }: WorkerReport): string {
  if (mode === 'exact' || nprobes === undefined) return '';
  const refined = mode === 'ann' && refineFactor !== undefined ? `, refine factor ${formatCount(refineFactor)}` : '';
  return `nprobes ${formatCount(nprobes)}${refined}`;
}

function otherStrategies({ otherStrategies: others = [] }: WorkerReport): Html[] {
  return others.map(
    ({ strategy, seconds }, i) => html`${i > 0 ? ', ' : ''}<span>${strategy} ${formatSeconds(seconds)}</span>`,
  );
}

function formatRecall({ mean, low, high }: Recall): string {
  return low === undefined || high === undefined
    ? mean.toFixed(3)
    : `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
