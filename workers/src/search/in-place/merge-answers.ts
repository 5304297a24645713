import { type HitColumns, hitRows, hitsOf, type NeighbourColumns, repeatText } from '../../hits/columns.ts';
import { mergeHits } from '../../hits/merge.ts';
import { MOST_HITS } from './ask-settings.ts';
import type { BucketAnswer } from './bucket-answer.ts';

/**
 * Merges the hits of buckets into each query's k nearest, as merge-hits merges files of hits: the same order, ties and distances. Memory
 * does not grow with the number of buckets: hits that are many are merged before all have come.
 */
export class AnswerMerge {
  readonly #k: number;
  readonly #mostRows: number;
  /** Batches of each bucket, or of several that are merged, in the order of hits files. */
  #inputs: HitColumns[][] = [];
  #rows = 0;

  /** @param mostRows hits that are kept before they are merged: more than the neighbours of all queries */
  constructor(k: number, mostRows = 2 * MOST_HITS) {
    this.#k = k;
    this.#mostRows = mostRows;
  }

  /** Adds the hits of a bucket, in any order of the buckets. */
  add(bucket: string, hits: BucketAnswer['hits']): void {
    const rows = hits.distances.length;
    this.#inputs.push([hitsOf({ ...hits, buckets: repeatText(bucket, rows) })]);
    this.#rows += rows;
    if (this.#rows <= this.#mostRows) return;
    const merged = [...this.neighbours()].map((batch) => hitsOf(batch));
    this.#inputs = [merged];
    this.#rows = merged.reduce((sum, batch) => sum + hitRows(batch), 0);
  }

  /** Returns batches of neighbours, sorted by query and rank. */
  *neighbours(): Generator<NeighbourColumns, void, void> {
    const unread = this.#inputs.map((batches) => batches.values());
    const merge = mergeHits(unread.length, this.#k);
    for (let step = merge.next(); !step.done; ) {
      if (typeof step.value === 'number') {
        step = merge.next(unread[step.value]!.next().value);
      } else {
        yield step.value;
        step = merge.next();
      }
    }
  }
}
