import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NearestRows } from '../../../workers/src/search/engine/nearest.ts';

/** Distances with many ties, among them those of float32 rounding and zeros of both signs. */
const distance = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom(-0, 0, ...[0.1, 1e-45, 3e38].map(Math.fround)),
);
const table = fc.array(distance, { maxLength: 80 });

/** Returns the rows that belong to the answer: all nearer than the k-th, and the k-th's ties. */
function expected(distances: readonly number[], k: number) {
  const order = distances.map((_, row) => row).sort((a, b) => distances[a]! - distances[b]!);
  const farthest = order[k - 1] === undefined ? Number.POSITIVE_INFINITY : distances[order[k - 1]!]!;
  return {
    nearer: order.filter((row) => distances[row]! < farthest),
    candidates: order.filter((row) => distances[row]! <= farthest),
    limit: farthest,
  };
}

describe('NearestRows', () => {
  it('keeps the k nearest rows and every row that ties with the last of them', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 20 }), (distances, k) => {
        const nearest = new NearestRows(3, k);
        for (const [row, value] of distances.entries()) nearest.offer(1, value, row);
        const { rows, distances: kept, ties } = nearest.kept(1);
        const { nearer, candidates, limit } = expected(distances, k);
        expect(rows.length).toBe(Math.min(k, distances.length));
        for (const [i, row] of rows.entries()) expect(kept[i]).toBe(distances[row]);
        const all = [...rows, ...ties];
        expect(new Set(all).size).toBe(all.length);
        expect(all.sort((a, b) => a - b)).toEqual(candidates.sort((a, b) => a - b));
        for (const row of nearer) expect(rows).toContain(row);
        expect(nearest.limit(1) + 0).toBe((distances.length < k ? Number.POSITIVE_INFINITY : limit) + 0);
        expect(nearest.kept(0).rows.length + nearest.kept(2).rows.length).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the same rows in any order of insertion', () => {
    const shuffled = table.chain((distances) =>
      fc
        .shuffledSubarray([...distances.keys()], { minLength: distances.length })
        .map((order) => ({ distances, order })),
    );
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 20 }), ({ distances, order }, k) => {
        const rowsOf = (sequence: number[]) => {
          const nearest = new NearestRows(1, k);
          for (const row of sequence) nearest.offer(0, distances[row]!, row);
          const { rows, ties } = nearest.kept(0);
          return [...rows, ...ties].sort((a, b) => a - b);
        };
        expect(rowsOf(order)).toEqual(rowsOf([...distances.keys()]));
      }),
    );
  });

  it('returns the same answer if ties are settled from time to time, and then remembers few', () => {
    const settled = fc.uniqueArray(fc.nat(79), { maxLength: 6 });
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 20 }), settled, fc.nat(5), (distances, k, moments, delay) => {
        const nearest = new NearestRows(2, k);
        const pending: { at: number; contested: ReturnType<typeof snapshot> }[] = [];
        const snapshot = () => [...nearest.contested()];
        for (const [row, value] of distances.entries()) {
          for (const query of [0, 1]) nearest.offer(query, value, row);
          if (moments.includes(row)) pending.push({ at: row + delay, contested: snapshot() });
          // Stands in for the id lookup: ids are in the order of the rows.
          for (const { contested } of pending.filter(({ at }) => at === row))
            for (const { query, limit, rows } of contested)
              nearest.settle(
                query,
                limit,
                rows.sort((a, b) => a - b),
              );
          if (delay === 0 && moments.includes(row)) expect(nearest.tieCount).toBe(0);
        }
        const byDistance = [...distances.keys()].sort((a, b) => distances[a]! - distances[b]! || a - b).slice(0, k);
        let ties = 0;
        for (const query of [0, 1]) {
          const kept = nearest.kept(query);
          const all = [...kept.rows, ...kept.ties].sort((a, b) => distances[a]! - distances[b]! || a - b);
          expect(new Set(all).size).toBe(all.length);
          expect(all.slice(0, k)).toEqual(byDistance);
          ties += kept.ties.length;
        }
        expect(nearest.tieCount).toBe(ties);
      }),
      { numRuns: 500 },
    );
  });

  it('never keeps a NaN once it is full, and takes row numbers up to 2^53', () => {
    const nearest = new NearestRows(1, 2);
    const row = 2 ** 52 + 1;
    nearest.offer(0, 2, row);
    nearest.offer(0, 1, 0);
    nearest.offer(0, Number.NaN, 5);
    expect([...nearest.kept(0).rows]).toEqual([row, 0]);
    expect(nearest.kept(0).ties).toEqual([]);
  });
});
