import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LloydRound, normalizeRows } from '../../workers/src/vectors/kmeans.ts';

describe('LloydRound', () => {
  it('moves each centroid to the mean of its rows, for any blocks', () => {
    const rows = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 })), {
      minLength: 4,
      maxLength: 60,
    });
    fc.assert(
      fc.property(rows, fc.nat(60), (data, cut) => {
        const clusters = data.map(([cluster], i) => (i < 4 ? i : cluster));
        const round = new LloydRound(4, 2);
        for (const [start, end] of [
          [0, Math.min(cut, data.length)],
          [Math.min(cut, data.length), data.length],
        ] as const) {
          const part = data.slice(start, end);
          const vectors = Float32Array.from(part.flatMap(([, x, y]) => [x, y]));
          round.add(vectors, Int32Array.from(clusters.slice(start, end)), part.length);
        }
        const { vectors } = round.centroids(false);
        for (let cluster = 0; cluster < 4; cluster++) {
          const own = data.filter((_, i) => clusters[i] === cluster);
          const mean = (at: 1 | 2) => own.reduce((sum, row) => sum + row[at], 0) / own.length;
          expect([...vectors.subarray(cluster * 2, cluster * 2 + 2)]).toEqual(
            [mean(1), mean(2)].map((value) => Math.fround(value)),
          );
        }
      }),
    );
  });

  it('skips rows of no cluster', () => {
    const round = new LloydRound(1, 2);
    round.add(Float32Array.of(1, 2, 9, 9, 3, 4), Int32Array.of(0, -1, 0), 3);
    expect([...round.centroids(false).vectors]).toEqual([2, 3]);
  });

  it('gives an empty cluster a part of the largest one', () => {
    const round = new LloydRound(3, 2);
    round.add(Float32Array.of(1, 1, 1, 1, 4, 0), Int32Array.of(0, 0, 1), 3);
    const { vectors } = round.centroids(false);
    const centres = [0, 1, 2].map((i) => [...vectors.subarray(2 * i, 2 * i + 2)]);
    expect(centres[2]).not.toEqual(centres[0]);
    for (const centre of [centres[0]!, centres[2]!]) for (const x of centre) expect(x).toBeCloseTo(1, 2);
    expect(centres[1]).toEqual([4, 0]);
  });
});

describe('normalizeRows', () => {
  it('scales rows to unit length and leaves zeros', () => {
    const vectors = Float32Array.of(3, 4, 0, 0, 0, -2);
    normalizeRows(vectors, 2);
    expect([...vectors]).toEqual([0.6, 0.8, 0, 0, 0, -1].map(Math.fround));
  });
});
