import { describe, expect, it } from 'vitest';
import {
  centroidsOfLengths,
  MOST_LONG,
  PartitionLengths,
  type SharedLengths,
  shareLengths,
} from '../../workers/src/ingest/partition-lengths.ts';
import { rowOf } from '../support/kinds-of-rows.ts';

const directions = { count: 2, dimension: 2, vectors: Float32Array.of(1, 0, 0, 1) };

/** Places the rows of a unit. @param own partitions by direction, which are replaced */
function placeUnit(lengths: PartitionLengths, unit: number, vectors: Float32Array, own: Int32Array): void {
  lengths.measure(vectors, own);
  lengths.awaitTurn(unit);
  lengths.place(own, (row) => rowOf(vectors, row, vectors.length / own.length));
  lengths.end(unit);
}

/** Units placed by one thread each. */
function placeAll(usual: number, units: Array<[Float32Array, Int32Array]>): SharedLengths {
  const shared = shareLengths(directions.count, directions.dimension);
  for (const [unit, [vectors, own]] of units.entries())
    placeUnit(new PartitionLengths(directions.dimension, usual, shared), unit, vectors, own);
  return shared;
}

describe('PartitionLengths', () => {
  it('gives each direction the root mean square of its rows, whatever units they come in', () => {
    const shared = placeAll(3, [
      [Float32Array.of(3, 0, 0, 2), Int32Array.of(0, 1)],
      [Float32Array.of(4, 0), Int32Array.of(0)],
    ]);
    const { count, vectors } = centroidsOfLengths(directions, shared);
    expect(count).toBe(2);
    expect([...vectors]).toEqual([Math.fround(Math.sqrt(12.5)), 0, 0, 2]);
  });

  it('gives long rows partitions of their own, one to those that are alike', () => {
    const rows = Float32Array.of(1, 0, 100, 0, 0, 100, 100, 10, 0, 1);
    const own = Int32Array.of(0, 0, 1, 0, 1);
    const { count, vectors } = centroidsOfLengths(directions, placeAll(1, [[rows, own]]));
    expect([...own]).toEqual([0, 2, 3, 2, 1]);
    expect(count).toBe(4);
    expect([...vectors]).toEqual([1, 0, 0, 1, 100, 0, 0, 100]);
  });

  it('gives the same partitions where units have threads of their own', () => {
    const units = (): Array<[Float32Array, Int32Array]> =>
      [1, 2, 3, 4, 5].map((seed) => [
        Float32Array.from({ length: 60 }, (_, i) => 50 * Math.sin(seed * 100 + i * i)),
        Int32Array.from({ length: 30 }, (_, i) => i % 2),
      ]);
    const [several, one] = [units(), units()];
    const shared = placeAll(3, several);
    const single = shareLengths(2, 2);
    const lengths = new PartitionLengths(2, 3, single);
    for (const [unit, [vectors, own]] of one.entries()) placeUnit(lengths, unit, vectors, own);
    expect(several.map(([, own]) => [...own])).toEqual(one.map(([, own]) => [...own]));
    expect(centroidsOfLengths(directions, shared)).toEqual(centroidsOfLengths(directions, single));
    expect(centroidsOfLengths(directions, shared).count).toBeGreaterThan(3);
  });

  it('never has more partitions than it said, and no long row in those of usual ones', () => {
    const dimension = 200;
    const shared = shareLengths(1, dimension);
    const rows = new Float32Array(150 * dimension);
    for (let row = 0; row < 150; row++) rows[row * dimension + row] = 10;
    const own = new Int32Array(150);
    placeUnit(new PartitionLengths(dimension, 1, shared), 0, rows, own);
    const { count, vectors } = centroidsOfLengths(
      { count: 1, dimension, vectors: new Float32Array(dimension).fill(0.07) },
      shared,
    );
    expect(own.every((partition) => partition > 0 && partition < count)).toBe(true);
    expect(count).toBeLessThanOrEqual(1 + MOST_LONG);
    expect(vectors.every(Number.isFinite)).toBe(true);
  });

  it('has no long rows where most have no length at all', () => {
    const own = Int32Array.of(1);
    placeAll(0, [[Float32Array.of(1e10, 0), own]]);
    expect([...own]).toEqual([1]);
  });
});
