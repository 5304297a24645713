import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionWindows, sortByPartition } from '../../workers/src/vectors/partition-sort.ts';

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

describe('partitionWindows', () => {
  it('covers every partition once, in order, in windows that fit unless one partition alone does not', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (rows, windowRows) => {
        const windows = partitionWindows(rows, windowRows);
        expect(windows.flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i))).toEqual([
          ...rows.keys(),
        ]);
        for (const [first, end] of windows) {
          const sum = rows.slice(first, end).reduce((total, count) => total + count, 0);
          expect(sum <= windowRows || end - first === 1).toBe(true);
        }
      }),
    );
  });
});
