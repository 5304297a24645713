import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MergedRecall } from '../../workers/src/merge/merged-recall.ts';
import { type Hit, hits, naiveMerge, packedHits } from '../support/hits.ts';

const batch = (rows: readonly Hit[]) => ({ ...packedHits(rows), ranks: new Int32Array(rows.length) });

test('is the mean over the queries of the share of true neighbours that were found', () => {
  fc.assert(
    fc.property(hits, hits, fc.integer({ min: 1, max: 4 }), fc.nat(30), (some, others, k, cut) => {
      const text = ({ query, target, bucket }: Hit) => JSON.stringify([query, target, bucket]);
      // A hit is in one file, once.
      const distinct = [...new Map([...some, ...others].map((hit) => [text(hit), hit])).values()];
      const all = distinct.slice(0, some.length);
      const groundTruth = naiveMerge(all, k);
      const answer = naiveMerge([...all.filter((_, i) => i % 2 === 0), ...distinct.slice(some.length)], k);
      const recall = new MergedRecall();
      for (const part of [groundTruth.slice(0, cut), groundTruth.slice(cut)]) recall.addGroundTruth(batch(part));
      for (const part of [answer.slice(0, cut), answer.slice(cut)]) recall.addFound(batch(part));
      const found = new Set(answer.map(text));
      const shares = [...Map.groupBy(groundTruth, ({ query }) => query).values()].map(
        (own) => own.filter((hit) => found.has(text(hit))).length / own.length,
      );
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      const expected = { queries: shares.length, mean: expect.closeTo(mean, 12) };
      if (shares.length === 0) expect(recall.estimate()).toBeUndefined();
      else expect(recall.estimate()).toMatchObject(expected);
    }),
  );
});
