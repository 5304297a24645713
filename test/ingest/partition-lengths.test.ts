import { describe, expect, it } from 'vitest';
import { PartitionLengths } from '../../workers/src/ingest/partition-lengths.ts';

const directions = { count: 2, dimension: 2, vectors: Float32Array.of(1, 0, 0, 1) };

describe('PartitionLengths', () => {
  it('gives each direction the root mean square of its rows, whatever blocks they come in', () => {
    const lengths = new PartitionLengths(directions, 3);
    lengths.place(Float32Array.of(3, 0, 0, 2), Int32Array.of(0, 1));
    lengths.place(Float32Array.of(4, 0), Int32Array.of(0));
    const { count, vectors } = lengths.centroids();
    expect(count).toBe(2);
    expect([...vectors]).toEqual([Math.fround(Math.sqrt(12.5)), 0, 0, 2]);
  });

  it('gives long rows partitions of their own, one to those that are alike', () => {
    const lengths = new PartitionLengths(directions, 1);
    const partitions = Int32Array.of(0, 0, 1, 0, 1);
    lengths.place(Float32Array.of(1, 0, 100, 0, 0, 100, 100, 10, 0, 1), partitions);
    expect([...partitions]).toEqual([0, 2, 3, 2, 1]);
    const { count, vectors } = lengths.centroids();
    expect(count).toBe(4);
    expect([...vectors]).toEqual([1, 0, 0, 1, 100, 0, 0, 100]);
  });

  it('never has more partitions than it said, and no long row in those of usual ones', () => {
    const dimension = 200;
    const lengths = new PartitionLengths({ count: 1, dimension, vectors: new Float32Array(dimension).fill(0.07) }, 1);
    const rows = new Float32Array(150 * dimension);
    for (let row = 0; row < 150; row++) rows[row * dimension + row] = 10;
    const partitions = new Int32Array(150);
    lengths.place(rows, partitions);
    const { count, vectors } = lengths.centroids();
    expect(partitions.every((partition) => partition > 0 && partition < count)).toBe(true);
    expect(count).toBeLessThanOrEqual(lengths.mostPartitions);
    expect(vectors.every(Number.isFinite)).toBe(true);
  });

  it('has no long rows where most have no length at all', () => {
    const lengths = new PartitionLengths(directions, 0);
    const partitions = Int32Array.of(1);
    lengths.place(Float32Array.of(1e10, 0), partitions);
    expect([...partitions]).toEqual([1]);
  });
});
