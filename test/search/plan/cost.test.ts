import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateCosts, formatCosts, preferredStrategy } from '../../../workers/src/search/plan/cost.ts';

const partitions = { path: 'p', count: 100, bytes: 1, checksum: '0' };
const index = { kind: 'ivf-pq' as const, metric: 'cosine' as const, partitions: 100, parameters: {} };
const none = { ...index, kind: 'none' as const, partitions: 0 };
describe('estimateCosts', () => {
  const rates = {
    flopsPerSecond: 1e11,
    rowSeconds: 5e-7,
    queryBlockSeconds: 5e-7,
    fewFlopsPerSecond: 5e10,
    fewRowSeconds: 1e-7,
    distanceSeconds: 3e-7,
    readBytesPerSecond: 1e9,
    annQueriesPerSecond: 300,
  };
  const work = (queryCount: number, nprobes: number, k = 10) => ({ queryCount, nprobes, k });
  const bucket = {
    rows: 1e6,
    dimension: 960,
    vectorType: 'float32' as const,
    index,
    partitions: { ...partitions, count: 1000 },
  };

  it('sorts by time, and a scan costs no more than reading everything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 100 }), (queries, nprobes) => {
        const estimates = estimateCosts(bucket, work(queries, nprobes), rates);
        expect(estimates.map(({ strategy }) => strategy).sort()).toEqual(['ann', 'exact', 'scan']);
        const seconds = estimates.map((estimate) => estimate.seconds);
        expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
        const read = (wanted: string) => estimates.find(({ strategy }) => strategy === wanted)!.readSeconds;
        expect(read('scan')).toBeLessThanOrEqual(read('exact'));
      }),
    );
  });

  it('prefers the index for one query and products for many', () => {
    expect(estimateCosts(bucket, work(1, 20), rates)[0]!.strategy).toBe('ann');
    expect(estimateCosts(bucket, work(1e5, 20), rates)[0]!.strategy).toBe('scan');
    expect(formatCosts(estimateCosts(bucket, work(1, 20), rates), 'ann')).toMatch(/ann .*<- chosen/);
  });

  it('prefers exact within 1.5 times or 10 s of the quickest, and the quickest otherwise', () => {
    const of = (scan: number, exact: number) =>
      preferredStrategy(
        [
          { strategy: 'scan' as const, seconds: scan },
          { strategy: 'exact' as const, seconds: exact },
        ].sort((a, b) => a.seconds - b.seconds),
      );
    expect([of(1, 11), of(1, 11.01), of(100, 150), of(100, 150.1), of(5, 3)]).toEqual([
      'exact',
      'scan',
      'exact',
      'scan',
      'exact',
    ]);
    expect(preferredStrategy([{ strategy: 'ann', seconds: 1 }])).toBe('ann');
    // The days that a search of billions of vectors takes are not traded.
    expect(of(3600, 86_400)).toBe('scan');
  });

  it('counts a read for each block of queries that the memory allows', () => {
    const readSeconds = (queriesInMemory: number) =>
      Object.fromEntries(
        estimateCosts(bucket, { ...work(1e6, 50), queriesInMemory }, rates).map(({ strategy, readSeconds: read }) => [
          strategy,
          read,
        ]),
      );
    const [once, roomy, small] = [estimateCosts(bucket, work(1e6, 1000), rates), readSeconds(5e5), readSeconds(1e5)];
    const tableSeconds = once.find(({ strategy }) => strategy === 'scan')!.readSeconds / 16;
    expect(tableSeconds).toBeCloseTo(3.84, 2);
    expect(roomy.scan! / tableSeconds).toBeCloseTo(Math.ceil(1e6 / 163_840), 5);
    expect(small.scan! / tableSeconds).toBeCloseTo(10, 5);
    expect(roomy.exact! / tableSeconds).toBeCloseTo(16, 5);
    expect(small.ann).toBe(0);
  });

  it('omits strategies that the bucket does not support', () => {
    const { partitions: _, ...unordered } = bucket;
    expect(estimateCosts({ ...unordered, index: none }, work(5, 1), rates).map(({ strategy }) => strategy)).toEqual([
      'exact',
    ]);
  });
});
