import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanNeighbours } from '../../workers/src/report/neighbours.ts';
import { hitColumns, hits, naiveMerge } from '../support/hits.ts';

describe('scanNeighbours', () => {
  it('counts as brute force does, for any division into batches', () => {
    fc.assert(
      fc.property(hits, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 7 }), (some, k, size) => {
        const rows = naiveMerge(some, k);
        const scan = scanNeighbours();
        for (let start = 0; start < rows.length; start += size)
          expect(scan.add(hitColumns(rows.slice(start, start + size)))).toBeUndefined();
        const summary = scan.finish();
        const queries = [...new Set(rows.map(({ query }) => query))];
        const of = (query: string) => rows.filter((row) => row.query === query);
        const most = Math.max(0, ...queries.map((query) => of(query).length));
        expect(summary).toMatchObject({ rows: rows.length, queries: queries.length, k: most });
        const distances = rows.map(({ distance }) => distance);
        expect(summary.bounds).toEqual([Math.min(0, ...distances), Math.max(0, ...distances)]);
        expect(summary.shortQueries).toBe(queries.filter((query) => of(query).length < most).length);
        expect([summary.nearest.count, summary.farthest.count]).toEqual([queries.length, queries.length]);
        for (const [bucket, { neighbours, nearest }] of summary.buckets) {
          const from = rows.filter((row) => row.bucket === bucket);
          expect([neighbours, nearest]).toEqual([from.length, from.filter(({ rank }) => rank === 1).length]);
        }
        const listed = queries.map((query) => {
          const rows = of(query);
          const [{ target, bucket, distance: nearest }, last] = [rows[0]!, rows.at(-1)!.distance];
          return { query, target, bucket, nearest, last, neighbours: rows.length };
        });
        expect(summary.first).toEqual(listed);
        expect(summary.far).toEqual(listed.toSorted((a, b) => b.nearest - a.nearest).slice(0, 20));
        expect(summary.examples).toEqual(
          queries.slice(0, 20).map((query) => ({
            query,
            neighbours: of(query).map(({ target, distance, bucket }) => ({ target, distance, bucket })),
          })),
        );
      }),
    );
  });

  const row = (query: string, distance: number) => ({ query, target: 't', distance, bucket: 'b' });
  it.each([
    ['a query', [row('b', 0), row('a', 0)], 1],
    ['a distance', [row('a', 0), row('a', 2), row('a', 1)], 2],
  ])('returns the row with %s out of order', (_, rows, wrong) => {
    expect(scanNeighbours().add(hitColumns(rows))).toBe(wrong);
  });
});
