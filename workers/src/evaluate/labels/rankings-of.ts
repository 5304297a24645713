import { columnText } from '../../base/bytes/utf8-column.ts';
import type { NeighbourColumns } from '../../hits/columns.ts';

/** Targets of one query, nearest first. */
export interface Ranking {
  query: string;
  targets: string[];
}

/** Collects neighbours, sorted by query and rank, into rankings. A query may be in several batches. */
export async function* rankingsOf(batches: AsyncIterable<NeighbourColumns>): AsyncGenerator<Ranking, void, void> {
  let current: Ranking | undefined;
  for await (const { queryIds, targetIds, ranks } of batches) {
    for (let row = 0; row < ranks.length; row++) {
      // Each query begins with rank 1.
      if (ranks[row] === 1) {
        if (current) yield current;
        current = { query: columnText(queryIds, row), targets: [] };
      }
      current!.targets.push(columnText(targetIds, row));
    }
  }
  if (current) yield current;
}
