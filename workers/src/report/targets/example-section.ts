import { barCell } from '../bars.ts';
import { formatCount, formatEvalue, formatNumber, formatShare } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { NeighbourSummary } from '../neighbours.ts';
import { number, shownId, shownTarget, table } from '../page-parts.ts';
import { firstQueries, TITLES } from '../report-text.ts';
import { type FirstNeighbour, firstNeighbour } from './first-neighbour-texts.ts';
import type { FactName, Facts } from './target-facts.ts';
import { knownLink, type LinkOf } from './target-link.ts';

/** Characters of a description on the page. */
const MAX_DESCRIPTION = 160;

type Neighbour = NeighbourSummary['examples'][number]['neighbours'][number];

interface FactColumn {
  head: string;
  name: FactName;
  format: (value: number) => string;
}

/** Columns that are shown where one of the examples has them. */
const FACTS: readonly FactColumn[] = [
  { head: '#E-value', name: 'evalue', format: formatEvalue },
  { head: '#Identity', name: 'identity', format: formatShare },
  { head: '#Query covered', name: 'query_coverage', format: formatShare },
  { head: '#Neighbour covered', name: 'target_coverage', format: formatShare },
  { head: '#Bits', name: 'bits', format: formatNumber },
  { head: '#Alignment E-value', name: 'alignment_evalue', format: formatEvalue },
];

/** Builds the tables of the first queries, with what the neighbours' file says of each target. @param linkOf addresses of targets */
export function exampleSection(summary: NeighbourSummary, linkOf: LinkOf): Html {
  const { examples, queries, bounds } = summary;
  const [min, max] = bounds;
  const first = firstNeighbour(summary);
  if (examples.length === 0) return html``;
  // All queries share one scale: a short bar is a near neighbour.
  const share = (distance: number) => (max > min ? Math.min(1, (distance - min) / (max - min)) : 0);
  const known = FACTS.filter(({ name }) =>
    examples.some(({ neighbours }) => neighbours.some(({ facts }) => facts?.[name] !== undefined)),
  );
  const [rank, neighbour, distance, bar, bucket] = TITLES.exampleColumns;
  const head = [rank, neighbour, distance, bar, ...known.map((column) => column.head), bucket];
  const row = ({ target, distance, bucket, facts = {} }: Neighbour, i: number) =>
    html`<tr>${number(formatCount(i + 1))}<td>${shownTarget(target, linkOf)}${description(facts)}</td>${number(formatNumber(distance))}<td>${barCell(share(distance))}</td>${known.map((column) => number(factOf(facts, column)))}<td>${shownId(bucket)}</td></tr>\n`;
  const one = ({ query, neighbours }: (typeof examples)[number], i: number) => html`<details${i < 1 ? html` open` : ''}>
<summary>${shownTarget(query, knownLink)} ${shownFirst(first, neighbours[0])}</summary>
${table(head, neighbours.map(row))}
</details>
`;
  return html`<h2>${TITLES.examples}</h2>
<p>${firstQueries(examples.length, queries, min, max)}</p>
${examples.map(one)}`;
}

/** Formats a fact; empty where a target lacks it. */
function factOf(facts: Facts, { name, format }: FactColumn): string {
  const value = facts[name];
  return typeof value === 'number' ? format(value) : '';
}

/** Builds a description, isolated like ids; nothing without one. */
function description({ description: text }: Facts): Html {
  if (typeof text !== 'string' || text.trim() === '') return html``;
  const characters = [...text.replace(/\s+/g, ' ')];
  const shortened = characters.length > MAX_DESCRIPTION;
  return html`<small class="text"><bdi>${characters.slice(0, MAX_DESCRIPTION).join('')}${shortened ? '…' : ''}</bdi></small>`;
}

/** Builds the first neighbour beside a query's id, which is readable while its table is closed. */
function shownFirst(first: FirstNeighbour, neighbour: Neighbour | undefined): Html {
  if (!neighbour) return html``;
  return html`<span class="note">${first}: ${shownId(neighbour.target)} at ${formatNumber(neighbour.distance)}</span>`;
}
