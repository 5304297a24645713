import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideQueries, queriesPerBlock, queriesPerTask } from '../../../workers/src/search/plan/query-ranges.ts';

test('parts are consecutive, none is empty or too large, and there are as few as possible', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 6000 }), (queries, perTask) => {
      const parts = divideQueries(queries, perTask);
      expect(parts).toHaveLength(Math.ceil(queries / perTask));
      expect(parts.map(({ first }) => first)).toEqual([0, ...parts.slice(0, -1).map(({ end }) => end)]);
      expect(parts.at(-1)!.end).toBe(queries);
      const sizes = parts.map(({ first, end }) => end - first);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(perTask);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test('the smaller the part of a table that a query reads, the more queries a task takes', () => {
  const partitions = (count: number) => ({ partitions: { path: 'p', count, bytes: 1, checksum: '0' } });
  const exact = queriesPerTask({ search: 'exact', nprobes: undefined }, [partitions(1000)]);
  const scan = (nprobes: number | undefined, ...counts: number[]) =>
    queriesPerTask({ search: 'scan', nprobes }, counts.map(partitions));
  expect(scan(1000, 1000)).toBe(exact);
  expect(scan(100, 1000)).toBe(exact * 10);
  expect(scan(undefined, 14_142)).toBeCloseTo(exact * 20, -3);
  expect(scan(20, 100, 1000)).toBe(exact * 50);
  expect(queriesPerTask({ search: 'auto', nprobes: undefined }, [{}])).toBe(exact);
  expect(queriesPerTask({ search: 'ann', nprobes: 10 }, [partitions(10)])).toBeGreaterThan(scan(undefined, 14_142));
});

test('a block has more queries where each is compared with fewer rows, within the memory', () => {
  expect(queriesPerBlock('exact', 1, 1e6)).toBe(65_536);
  expect(queriesPerBlock('exact', 1, 1000)).toBe(1000);
  expect(queriesPerBlock('scan', 0.5, 1e6)).toBe(65_536);
  expect(queriesPerBlock('scan', 0.05, 1e6)).toBe(163_840);
  expect(queriesPerBlock('scan', 0.007, 8e5)).toBe(8e5);
  expect(queriesPerBlock('ann', 0.007, 8e5)).toBe(65_536);
});
