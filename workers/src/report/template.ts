import type { RunPlan } from '../forecast/run-plan.ts';
import { barCell, shareScale } from './bars.ts';
import { histogramChart, rankChart } from './charts.ts';
import { formatCount, formatShare } from './format.ts';
import { type Html, html } from './html.ts';
import type { NeighbourSummary } from './neighbours.ts';
import { planSection } from './outcome/plan-section.ts';
import { stageSection } from './outcome/stage-section.ts';
import { mergedRecall, searchedDatabase, searchesOf } from './outcome/stages.ts';
import type { Recall, WorkerReport } from './outcome/worker-report.ts';
import { pageOf } from './page.ts';
import { bucketLimit, fact, MAX_BUCKETS, number, shownId, table, valueRange } from './page-parts.ts';
import {
  allAt,
  bucketsWithNeighbours,
  distanceOf,
  fewerThanK,
  neighboursPerQuery,
  quantiles,
  recallInterval,
  SENTENCES,
  TITLES,
  vectorCount,
  withoutNeighbour,
} from './report-text.ts';
import { searchSection } from './search-section.ts';
import { type Significance, significanceOf } from './significance/significance.ts';
import { significanceFact, significanceSection } from './significance/significance-section.ts';
import { exampleSection } from './targets/example-section.ts';
import { FIRST_NEIGHBOUR, firstNeighbour } from './targets/first-neighbour-texts.ts';
import { farSection, querySection } from './targets/query-section.ts';
import { knownLink, type LinkOf } from './targets/target-link.ts';

/**
 * Renders the page of a search.
 * @param linkOf addresses of targets
 * @param plan of the run, where one was made
 */
export function renderReport(
  summary: NeighbourSummary,
  reports: readonly WorkerReport[],
  linkOf: LinkOf = knownLink,
  plan?: RunPlan,
): string {
  const significance = significanceOf(summary, reports);
  const heading = FIRST_NEIGHBOUR.title(firstNeighbour(summary));
  const title = `LanceFlow: ${heading[0]!.toLowerCase()}${heading.slice(1)}`;
  const note = FIRST_NEIGHBOUR.page(firstNeighbour(summary));
  return pageOf({ title, heading, note, footer: SENTENCES.footer }, reports, [
    facts(summary, significance, reports),
    summary.isRanked ? significanceSection(significance, summary) : '',
    distanceSection(summary),
    bucketSection(summary, reports),
    searchSection(reports),
    farSection(summary, significance, linkOf),
    querySection(summary, significance, linkOf),
    exampleSection(summary, linkOf),
    plan ? planSection(plan, reports) : '',
    stageSection(reports),
  ]);
}

function facts(summary: NeighbourSummary, significance: Significance, reports: readonly WorkerReport[]): Html {
  const searches = searchesOf(reports);
  const { queries } = significance;
  const k = Math.max(summary.k, ...searches.map((search) => search.k ?? 0));
  // Searches find the candidates of align-neighbours, which keeps fewer.
  const keptK = reports.some(({ command }) => command === 'align-neighbours') ? summary.k : k;
  const recall = mergedRecall(reports);
  const searched = new Set(searches.map(({ bucket }) => bucket)).size || summary.buckets.size;
  const database = searchedDatabase(searches);
  return html`<dl class="facts">
${fact('Queries', formatCount(queries), queries > summary.queries ? withoutNeighbour(queries - summary.queries) : '')}
${fact('Neighbours', formatCount(summary.rows), neighboursPerQuery(keptK))}
${database ? fact('Database', vectorCount(database.rows), distanceOf(database.metric, database.model)) : ''}
${fact('Buckets searched', formatCount(searched), bucketsWithNeighbours(summary.buckets.size))}
${fact('Search', strategiesOf(searches) || 'not reported', settingsOf(searches))}
${recall ? recallFact(k, recall) : fact(recallName(k), SENTENCES.notMeasured, SENTENCES.measureRecall)}
${summary.isRanked && queries > 0 ? significanceFact(significance) : ''}
</dl>`;
}

function recallFact(k: number, { mean, low, high, queries }: Recall): Html {
  const scale = low === undefined || high === undefined ? '' : shareScale(mean, low, high);
  const note =
    low === undefined || high === undefined || queries === undefined
      ? SENTENCES.wholeTable
      : recallInterval(low, high, queries);
  return fact(recallName(k), html`${mean.toFixed(3)}${scale}`, note);
}

const recallName = (k: number): string => `Recall@${formatCount(k)}`;

function strategiesOf(searches: readonly WorkerReport[]): string {
  const counts = new Map<string, number>();
  for (const { mode } of searches) if (mode) counts.set(mode, (counts.get(mode) ?? 0) + 1);
  if (counts.size === 1) return [...counts.keys()][0]!;
  return [...counts].map(([mode, count]) => `${mode} (${formatCount(count)})`).join(', ');
}

function settingsOf(searches: readonly WorkerReport[]): string {
  const probed = searches.filter(({ mode }) => mode !== 'exact');
  const nprobes = probed.map((search) => search.nprobes);
  const refineFactors = probed.filter(({ mode }) => mode === 'ann').map((search) => search.refineFactor);
  return [...valueRange('nprobes', nprobes), ...valueRange('refine factor', refineFactors)].join(', ');
}

function distanceSection(summary: NeighbourSummary): Html {
  const { nearest, farthest, k, shortQueries, queries, ranks } = summary;
  const ranges = [nearest.range(), farthest.range()].filter((range) => range !== undefined);
  if (queries === 0) return html`<h2>${TITLES.distances}</h2><p>${SENTENCES.noNeighbour}</p>`;
  if (ranges.length === 0) return html`<h2>${TITLES.distances}</h2><p>${SENTENCES.noDistances}</p>`;
  // One range for both, so that they can be compared.
  const range = [Math.min(...ranges.map(([from]) => from)), Math.max(...ranges.map(([, to]) => to))] as const;
  const chart = (title: string, histogram: typeof nearest) => {
    // Infinite distances are not counted.
    if (histogram.count === 0)
      return html`<figure><h3>${title}</h3><p class="note">${SENTENCES.noDistances}</p></figure>`;
    return html`<figure><h3>${title}</h3>
<p class="note">${quantiles(histogram.quantile(0.5), histogram.quantile(0.9))}</p>
${range[0] === range[1] ? html`<p class="note">${allAt(range[0])}</p>` : histogramChart(histogram, range, `Histogram of the distance: ${title}`)}</figure>`;
  };
  const short = shortQueries > 0 ? ` ${fewerThanK(shortQueries, k)}` : '';
  return html`<h2>${TITLES.distances}</h2>
<p>${FIRST_NEIGHBOUR.distances(firstNeighbour(summary))}${short}</p>
<div class="charts">
${chart('Rank 1', nearest)}
${k > 1 ? chart(`Rank ${formatCount(k)}`, farthest) : ''}
${ranks.length > 1 ? html`<figure><h3>${TITLES.ranks}</h3><p class="note">${SENTENCES.ranks}</p>${rankChart(ranks, TITLES.ranks)}</figure>` : ''}
</div>`;
}

function bucketSection(summary: NeighbourSummary, reports: readonly WorkerReport[]): Html {
  const { buckets: all, rows, queries } = summary;
  if (rows === 0) return html``;
  // A bucket without neighbours is listed too.
  const none = { neighbours: 0, nearest: 0 };
  const searched = searchesOf(reports).map(({ bucket = '' }) => [bucket, all.get(bucket) ?? none] as const);
  const sorted = [...new Map([...searched, ...all])].sort(
    ([a, x], [b, y]) => y.neighbours - x.neighbours || (a < b ? -1 : 1),
  );
  const most = sorted[0]![1].neighbours;
  const cells = sorted
    .slice(0, MAX_BUCKETS)
    .map(
      ([name, { neighbours, nearest }]) =>
        html`<tr><td>${shownId(name)}</td>${number(formatCount(neighbours))}${number(formatShare(neighbours / rows))}<td>${barCell(neighbours / most)}</td>${number(formatCount(nearest))}${number(formatShare(nearest / queries))}</tr>\n`,
    );
  return html`<h2>${TITLES.buckets}</h2>
<p>${SENTENCES.buckets}${bucketLimit(sorted.length, 'most frequent')}</p>
${table([...TITLES.bucketColumns, FIRST_NEIGHBOUR.countColumn(firstNeighbour(summary)), TITLES.firstShare], cells)}`;
}
