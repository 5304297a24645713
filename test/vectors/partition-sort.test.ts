import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sortByPartition } from '../../workers/src/vectors/partition-sort.ts';

describe('sortByPartition', () => {
  it('is a stable sort by partition', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 100 }), (partitions) => {
        const { order, counts } = sortByPartition(Int32Array.from(partitions), 10);
        expect([...order]).toEqual([...partitions.keys()].sort((a, b) => partitions[a]! - partitions[b]! || a - b));
        for (let i = 0; i < 10; i++) expect(counts[i]).toBe(partitions.filter((partition) => partition === i).length);
      }),
    );
  });
});
