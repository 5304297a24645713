import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scanNeighbours } from '../../../workers/src/report/neighbours.ts';
import { withDropped } from '../../../workers/src/report/significance/dropped-queries.ts';
import { bytewise, hitColumns, hits, naiveMerge } from '../../support/hits.ts';

it('withDropped lists queries with and without neighbours in the order of their ids', () => {
  fc.assert(
    fc.property(hits, fc.func(fc.boolean()), (some, isDropped) => {
      const nearest = naiveMerge(some, 1);
      const [lost, kept] = [true, false].map((wanted) => nearest.filter(({ query }) => isDropped(query) === wanted));
      const scan = scanNeighbours();
      scan.add(hitColumns(kept!));
      const first = lost!.map(({ query, target, bucket, distance }) => ({
        query,
        target,
        bucket,
        distance,
        evalue: 2,
      }));
      const listed = withDropped(scan.finish(), { count: first.length, first });
      expect(listed.map(({ query }) => query)).toEqual(nearest.map(({ query }) => query).sort(bytewise));
      for (const { query, nearest: distance, neighbours, last, evalue } of listed) {
        const of = isDropped(query) ? [0, undefined, 2] : [1, distance, undefined];
        expect([neighbours, last, evalue]).toEqual(of);
        expect(distance).toBe(nearest.find((one) => one.query === query)!.distance);
      }
    }),
  );
});

it('withDropped lists at most 500 queries, and an infinite distance', () => {
  const first = Array.from({ length: 500 }, (_, i) => ({
    ...{ query: `q${i}`, target: 't', bucket: 'b', evalue: 1 },
    distance: null,
  }));
  const scan = scanNeighbours();
  scan.add(hitColumns([{ query: 'a', target: 't', bucket: 'b', distance: 1 }]));
  const listed = withDropped(scan.finish(), { count: 1000, first });
  expect(listed).toHaveLength(500);
  expect(listed[0]).toMatchObject({ query: 'a', neighbours: 1 });
  expect(listed[1]).toMatchObject({ neighbours: 0, nearest: Number.POSITIVE_INFINITY });
});
