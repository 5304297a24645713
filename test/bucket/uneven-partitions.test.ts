import { describe, expect, it } from 'vitest';
import { findLargePartition } from '../../workers/src/bucket/uneven-partitions.ts';

const starts = (rows: number[]) =>
  Float64Array.from([0, ...rows.map((_, i) => rows.slice(0, i + 1).reduce((sum, n) => sum + n, 0))]);

describe('findLargePartition', () => {
  it('finds the largest partition if it exceeds a multiple of the median and a share of all rows', () => {
    expect(findLargePartition(starts([10, 12, 300, 9]), 8, 0.02)).toEqual({ partition: 2, rows: 300, median: 12 });
    expect(findLargePartition(starts([0, 0, 300, 0]), 8, 0.02)).toEqual({ partition: 2, rows: 300, median: 0 });
    expect(findLargePartition(starts([10, 12, 90, 9]), 8, 0.02)).toBeUndefined();
    const many = Array.from({ length: 1000 }, () => 10);
    expect(findLargePartition(starts([...many, 100]), 8, 0.02)).toBeUndefined();
    expect(findLargePartition(starts([...many, 300]), 8, 0.02)).toMatchObject({ partition: 1000 });
  });
});
