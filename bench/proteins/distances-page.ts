import { digits, markdownTable, percent } from '../support/markdown.ts';

/** The result of `npm run bench -- proteins`. */
export interface ProteinsResult {
  queries: number;
  queriesWithHomolog: number;
  /** Queries whose nearest neighbour is significant. */
  first: number;
  /** Queries whose nearest neighbour is the best homolog. */
  bestFirst: number;
  /** Queries that have the best homolog among the candidates. */
  bestAmongCandidates: number;
  candidates: number;
  distances: { from: number; to: number; pairs: number; significant: number }[];
}

/** Returns the tables of docs/tutorial.md by name. */
export function proteinsTables(result: ProteinsResult): Record<string, string> {
  const rows = result.distances.map(({ from, to, pairs, significant }, i) => {
    const range = i === result.distances.length - 1 ? `${from} and more` : `${from} to ${to}`;
    return [range, digits(pairs), percent(significant / pairs)];
  });
  const of = (count: number) => percent(count / result.queriesWithHomolog);
  const found = [
    ['its first neighbour is significant', of(result.first)],
    ['its first neighbour is the one with the highest bit score', of(result.bestFirst)],
    [`that one is among the first ${result.candidates}`, of(result.bestAmongCandidates)],
  ];
  return {
    distances: markdownTable([['distance', 'pairs', 'significant'], ...rows]),
    found: markdownTable([
      [`of the ${result.queriesWithHomolog} queries with a significant target`, 'share'],
      ...found,
    ]),
  };
}
