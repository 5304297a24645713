import { formatCount, formatEvalue, formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { NeighbourSummary, QuerySummary } from '../neighbours.ts';
import { number, shownId, shownTarget, table } from '../page-parts.ts';
import { SENTENCES, shownOf, TITLES } from '../report-text.ts';
import { withDropped } from '../significance/dropped-queries.ts';
import type { Significance } from '../significance/significance.ts';
import { sortableTable } from '../sortable-table.ts';
import { FIRST_NEIGHBOUR, firstNeighbour } from './first-neighbour-texts.ts';
import { knownLink, type LinkOf } from './target-link.ts';

/** Builds the table of the queries whose first neighbour is the farthest. @param linkOf addresses of targets */
export function farSection(summary: NeighbourSummary, { dropped }: Significance, linkOf: LinkOf): Html {
  const { far, queries } = summary;
  if (queries <= far.length) return html``;
  const first = firstNeighbour(summary);
  return html`<h2>${TITLES.farQueries}</h2>
<p>${dropped ? FIRST_NEIGHBOUR.farKept(first) : FIRST_NEIGHBOUR.farQueries(first)}</p>
${table(
  queryColumns(summary),
  far.map((query) => queryRow(query, summary, linkOf)),
)}`;
}

/** Builds the table of the first queries, those without neighbours among them. @param linkOf addresses of targets */
export function querySection(summary: NeighbourSummary, { dropped }: Significance, linkOf: LinkOf): Html {
  const listed = withDropped(summary, dropped);
  if (listed.length < 2) return html``;
  const queries = summary.queries + (dropped?.count ?? 0);
  const lost = dropped && dropped.count > 0 ? ` ${SENTENCES.droppedQueries}` : '';
  return html`<h2>${TITLES.queries}</h2>
<p>${SENTENCES.sort}${queries > listed.length ? ` ${shownOf(listed.length, 'first', queries)}` : ''}${lost}</p>
${sortableTable(
  queryColumns(summary),
  listed.map((query) => queryRow(query, summary, linkOf)),
)}`;
}

/** Returns the column names of `queryRow`. */
function queryColumns(summary: NeighbourSummary): string[] {
  const evalue = summary.significantQueries === undefined ? [] : [TITLES.evalueColumn];
  const target = FIRST_NEIGHBOUR.column(firstNeighbour(summary));
  return [TITLES.query, target, TITLES.distanceColumn, ...evalue, ...TITLES.queryColumns];
}

function queryRow(
  { query, target, nearest, evalue, last, neighbours, bucket }: QuerySummary,
  { significantQueries }: NeighbourSummary,
  linkOf: LinkOf,
): Html {
  const significance = significantQueries === undefined ? '' : number(evalue === undefined ? '' : formatEvalue(evalue));
  return html`<tr><td>${shownTarget(query, knownLink)}</td><td>${shownTarget(target, linkOf)}</td>${number(formatNumber(nearest))}${significance}${number(last === undefined ? '' : formatNumber(last))}${number(formatCount(neighbours))}<td>${shownId(bucket)}</td></tr>\n`;
}
