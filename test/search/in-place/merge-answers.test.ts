import { describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { EVALUE } from '../../../workers/src/hits/evalues.ts';
import { AnswerMerge } from '../../../workers/src/search/in-place/merge-answers.ts';
import { type Hit, naiveMerge, neighboursOf, packedHits, sortedHits } from '../../support/hits.ts';

const QUERIES = ['a', 'ä', '', 'b'];
const BUCKETS = Array.from({ length: 9 }, (_, bucket) => `bucket_${bucket}`);

/** Hits of each bucket, many of them with the same distance; one bucket has none. */
const HITS = BUCKETS.map((bucket, b) =>
  sortedHits(
    QUERIES.flatMap((query, q) =>
      Array.from({ length: b === 4 ? 0 : 20 }, (_, row): Hit => {
        return { query, target: `t${(row * 13) % 29}`, distance: ((row * 7 + b * 3 + q) % 5) / 4, bucket };
      }),
    ),
  ),
);

const neighbours = (merge: AnswerMerge) => [...merge.neighbours()].flatMap(neighboursOf);

describe('AnswerMerge', () => {
  it.each([1, 7, 40])('finds the k = %i nearest of each query, however few hits it keeps, in any order', (k) => {
    for (const mostRows of [undefined, QUERIES.length * k, 500])
      for (const buckets of [BUCKETS, BUCKETS.toReversed()]) {
        const merge = new AnswerMerge(k, { mostRows });
        for (const bucket of buckets) merge.add(bucket, packedHits(HITS[BUCKETS.indexOf(bucket)]!), 1000);
        expect(neighbours(merge)).toEqual(naiveMerge(HITS.flat(), k));
      }
  });

  it('refuses a largest E-value at once where a bucket has no p-values', () => {
    const merge = new AnswerMerge(3);
    merge.add('bucket_0', { ...packedHits(HITS[0]!), pValues: new Float32Array(HITS[0]!.length) }, 1000);
    expect(merge.extra).toEqual([EVALUE]);
    expect(() => merge.neighbours(0.01)).not.toThrow();
    merge.add('bucket_1', packedHits(HITS[1]!), 1000);
    expect(merge.extra).toEqual([]);
    expect(() => merge.neighbours(0.01)).toThrow(DataError);
  });

  it('has no neighbours without hits', () => {
    expect(neighbours(new AnswerMerge(3))).toEqual([]);
  });
});
