import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { hitsOf, type NeighbourColumns, repeatText } from '../../hits/columns.ts';
import { mergeHits } from '../../hits/merge.ts';
import type { BucketAnswer } from './bucket-answer.ts';

/**
 * Merges the answers of buckets into each query's k nearest, as merge-hits merges files of hits: the same order, ties and distances.
 * @returns batches of neighbours, sorted by query and rank
 */
export function* mergeAnswers(
  answers: readonly Pick<BucketAnswer, 'bucket' | 'hits'>[],
  k: number,
): Generator<NeighbourColumns, void, void> {
  const unread = answers.map(({ bucket, hits }) => hitsOf({ ...hits, buckets: bucketColumn(bucket, hits.queryIds) }));
  const merge = mergeHits(answers.length, k);
  const given = new Set<number>();
  for (let step = merge.next(); !step.done; ) {
    if (typeof step.value === 'number') {
      const input = step.value;
      step = merge.next(given.has(input) ? undefined : unread[input]);
      given.add(input);
    } else {
      yield step.value;
      step = merge.next();
    }
  }
}

function bucketColumn(bucket: string, queryIds: Utf8Column): Utf8Column {
  return repeatText(bucket, columnLength(queryIds));
}
