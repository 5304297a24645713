import { expect, test } from 'vitest';
import { indexDiskBytes, ingestDiskBytes } from '../../../workers/src/database/catalog/disk-needs.ts';
import { planIndex } from '../../../workers/src/index/index-plan.ts';

test('a sorted table needs disk space for its vectors twice', () => {
  const [rows, dimension] = [200e6, 960];
  const ids = 32 * rows;
  expect(ingestDiskBytes(rows, dimension, { vectorType: 'float32', order: 'partition' })).toBe(2 * (768e9 + ids));
  expect(ingestDiskBytes(rows, dimension, { vectorType: 'float32', order: 'none' })).toBe(768e9 + ids);
  expect(ingestDiskBytes(rows, dimension, { vectorType: 'float16', order: 'partition' })).toBe(768e9 + 2 * ids);
});

test('an index needs space for its codes and centroids, three times if LanceDB trains it', () => {
  const bytes = (kind: 'ivf-rq' | 'ivf-pq', rows: number, partitions?: number) =>
    indexDiskBytes(planIndex(kind, rows, 960, 'cosine', partitions).index, rows, 960);
  const centroids = 14142 * 960 * 4;
  expect(bytes('ivf-rq', 200e6, 14142)).toBe(200e6 * 136 + centroids);
  expect(bytes('ivf-rq', 200e6)).toBe(3 * (200e6 * 136 + centroids));
  expect(bytes('ivf-pq', 200e6)).toBe(3 * (200e6 * 68 + centroids));
  // Too few rows for an index.
  expect(bytes('ivf-rq', 100)).toBe(0);
});
