import { digits, markdownTable, percent } from '../support/markdown.ts';
import type { Rankings } from './rankings.ts';

/** Number of nearest neighbours of each query in the table of distances. */
const NEAREST = 10;
const LIMITS = [0, 0.4, 0.6, 0.7, 0.8, 2];

/** What a distance says: the nearest neighbours by distance, and how many of them are homologs. */
export interface Distances {
  rows: { from: number; to: number; pairs: number; significant: number }[];
  queriesWithHomolog: number;
  /** Queries whose nearest neighbour is a homolog. */
  first: number;
}

/** @param homologs the significant targets of each query */
export function compareDistances(nearest: Rankings, homologs: Rankings): Distances {
  const rows = LIMITS.slice(1).map((to, i) => ({ from: LIMITS[i]!, to, pairs: 0, significant: 0 }));
  let first = 0;
  for (const [query, hits] of nearest) {
    const significant = new Set(homologs.get(query)?.map(({ target }) => target));
    for (const { target, distance } of hits.slice(0, NEAREST)) {
      const row = rows.find(({ to }) => distance! < to)!;
      row.pairs++;
      if (significant.has(target)) row.significant++;
    }
    if (significant.has(hits[0]!.target)) first++;
  }
  return { rows, queriesWithHomolog: homologs.size, first };
}

/**
 * Returns the tables of docs/tutorial.md by name.
 * @param best share of the queries whose best homolog is first, and among the first 300
 */
export function tutorialTables(
  distances: Distances,
  best: { first: number; first300: number },
): Record<string, string> {
  const { rows, queriesWithHomolog, first } = distances;
  const cells = rows.map(({ from, to, pairs, significant }, i) => {
    const range = i === rows.length - 1 ? `${from} and more` : `${from} to ${to}`;
    return [range, digits(pairs), percent(significant / pairs)];
  });
  const found = [
    ['its first neighbour is significant', percent(first / queriesWithHomolog)],
    ['its first neighbour has the highest bit score', percent(best.first)],
    ['one with the highest bit score is among the first 300', percent(best.first300)],
  ];
  return {
    distances: markdownTable([['distance', 'pairs', 'significant'], ...cells]),
    found: markdownTable([[`of the ${queriesWithHomolog} queries with a significant target`, 'share'], ...found]),
  };
}
