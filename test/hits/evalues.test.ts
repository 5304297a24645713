import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEvalues, type DroppedQueries, LISTED_QUERIES } from '../../workers/src/hits/evalues.ts';
import { type Hit, hits, naiveMerge, neighboursOf, packedHits } from '../support/hits.ts';

const ROWS = 1000;

/** Neighbours in batches, with p-values that grow with the distance. */
function batchesOf(some: readonly Hit[], size: number) {
  const rows = naiveMerge(some, 5);
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => {
    const batch = rows.slice(i * size, (i + 1) * size);
    const values = Float32Array.from(batch, ({ distance }) => distance / ROWS);
    return { ...packedHits(batch), ranks: Int32Array.from(batch, ({ rank }) => rank), extra: [{ values }] };
  });
}

it('createEvalues keeps what is significant, and names the queries that lose all neighbours', () => {
  fc.assert(
    fc.property(hits, fc.constantFrom(0, 0.1, 0.2, 1, 3), fc.integer({ min: 1, max: 7 }), (some, maxEvalue, size) => {
      const dropped: DroppedQueries = { count: 0, first: [] };
      const convert = createEvalues(ROWS, maxEvalue, dropped);
      const kept = batchesOf(some, size).flatMap((batch) => neighboursOf(convert(batch)));
      const all = naiveMerge(some, 5);
      expect(kept).toEqual(all.filter(({ distance }) => distance <= Math.fround(maxEvalue)));
      const lost = all.filter(({ query, rank }) => rank === 1 && !kept.some((one) => one.query === query));
      expect(dropped.count).toBe(lost.length);
      expect(dropped.first).toEqual(
        lost.map(({ rank: _, ...hit }) => ({ ...hit, evalue: Number(hit.distance.toPrecision(3)) })),
      );
    }),
  );
});

it('createEvalues lists the first queries and counts all', () => {
  const some = Array.from({ length: LISTED_QUERIES + 3 }, (_, i) => ({
    ...{ query: `q${String(i).padStart(4, '0')}`, target: 't', bucket: 'b', distance: 2 },
  }));
  const dropped: DroppedQueries = { count: 0, first: [] };
  const convert = createEvalues(ROWS, 1, dropped);
  for (const batch of batchesOf(some, 100)) expect(convert(batch).ranks).toHaveLength(0);
  expect(dropped.count).toBe(some.length);
  expect(dropped.first.map(({ query }) => query)).toEqual(some.slice(0, LISTED_QUERIES).map(({ query }) => query));
});

it('createEvalues judges each neighbour by its own bucket, and ranks those that stay', () => {
  // A bucket of few rows knows nothing: its p-value is 1.
  const some = ['a', 'b'].flatMap((query) =>
    [0.125, 0.25, 0.375, 0.5].map((distance, i) => ({ query, target: `t${i}`, bucket: `b${i % 2}`, distance })),
  );
  const dropped: DroppedQueries = { count: 0, first: [] };
  const convert = createEvalues(ROWS, 0.3, dropped);
  const all = naiveMerge(some, 5);
  const unknown = (i: number) => all[i]!.query === 'b' || i % 2 === 0;
  const values = Float32Array.from(all, ({ distance }, i) => (unknown(i) ? 1 : distance / ROWS));
  const kept = [0, 1, 5].flatMap((first, i) => {
    const part = all.slice(first, [1, 5, 8][i]);
    const ranks = Int32Array.from(part, ({ rank }) => rank);
    return neighboursOf(
      convert({ ...packedHits(part), ranks, extra: [{ values: values.slice(first, first + part.length) }] }),
    );
  });
  expect(kept).toEqual([{ ...all[1]!, rank: 1 }]);
  expect(dropped).toMatchObject({ count: 1, first: [{ query: 'b', target: 't0', evalue: ROWS }] });
});
