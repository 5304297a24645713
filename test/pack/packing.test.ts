import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { packingQuality, packShards, type RowRange, rangesNotHeld } from '../../workers/src/pack/packing.ts';

const rowsOf = ({ start, end }: RowRange) => end - start;
const total = (ranges: readonly RowRange[]) => ranges.reduce((sum, range) => sum + rowsOf(range), 0);

/** Row ranges of shards; some are empty, or do not begin at row 0. */
const shardRanges = fc
  .array(fc.record({ start: fc.nat(500), rows: fc.nat(3000) }), { maxLength: 60 })
  .map((shards) => shards.map(({ start, rows }, shard): RowRange => ({ shard, start, end: start + rows })));

/** Joins adjacent ranges of a shard, so that equal rows have one form. */
function joined(ranges: readonly RowRange[]): RowRange[] {
  const result: RowRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.shard - b.shard || a.start - b.start)) {
    const last = result.at(-1);
    if (rowsOf(range) === 0) continue;
    if (last && last.shard === range.shard && last.end === range.start) last.end = range.end;
    else result.push({ ...range });
  }
  return result;
}

describe('packShards', () => {
  it('puts every row into exactly one bucket, none of them empty or over its size', () => {
    fc.assert(
      fc.property(shardRanges, fc.integer({ min: 1, max: 2000 }), (shards, bucketSize) => {
        const buckets = packShards(shards, bucketSize);
        expect(joined(buckets.flat())).toEqual(joined(shards));
        expect(total(buckets.flat())).toBe(total(shards));
        for (const bucket of buckets) {
          expect(total(bucket)).toBeGreaterThan(0);
          expect(total(bucket)).toBeLessThanOrEqual(bucketSize);
          for (const range of bucket) expect(rowsOf(range)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('cuts a shard only where it is larger than a bucket', () => {
    fc.assert(
      fc.property(shardRanges, fc.integer({ min: 1, max: 2000 }), (shards, bucketSize) => {
        const pieces = new Map<number, number>();
        for (const { shard } of packShards(shards, bucketSize).flat()) pieces.set(shard, (pieces.get(shard) ?? 0) + 1);
        for (const shard of shards) expect(pieces.get(shard.shard) ?? 0).toBe(Math.ceil(rowsOf(shard) / bucketSize));
      }),
    );
  });

  it('leaves no two buckets that would fit into one', () => {
    fc.assert(
      fc.property(shardRanges, fc.integer({ min: 1, max: 2000 }), (shards, bucketSize) => {
        const rows = packShards(shards, bucketSize).map(total);
        const [least = bucketSize, next = bucketSize] = rows.sort((a, b) => a - b);
        expect(least + next).toBeGreaterThan(bucketSize);
      }),
    );
  });

  it('is within one bucket of the lower bound where a bucket takes many shards', () => {
    const shards = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 2000 });
    fc.assert(
      fc.property(shards, fc.integer({ min: 10_000, max: 50_000 }), (rows, bucketSize) => {
        const ranges = rows.map((end, shard) => ({ shard, start: 0, end }));
        const { bucketCount, lowerBound } = packingQuality(packShards(ranges, bucketSize), bucketSize);
        expect(bucketCount).toBeLessThanOrEqual(lowerBound + 1);
      }),
    );
  });

  it('returns the same buckets for the same shards, each sorted by shard', () => {
    fc.assert(
      fc.property(shardRanges, fc.integer({ min: 1, max: 2000 }), (shards, bucketSize) => {
        const buckets = packShards(shards, bucketSize);
        expect(packShards(structuredClone(shards), bucketSize)).toEqual(buckets);
        for (const bucket of buckets)
          expect(bucket).toEqual([...bucket].sort((a, b) => a.shard - b.shard || a.start - b.start));
      }),
    );
  });

  it('does not change its input', () => {
    const shards = [5, 9, 2].map((end, shard) => ({ shard, start: 0, end }));
    packShards(shards, 4);
    expect(shards.map(({ end }) => end)).toEqual([5, 9, 2]);
  });

  it('packs 100,000 shards of uneven sizes to the lower bound', () => {
    const random = seededRandom(1);
    // Log-normal sizes, as of shards from many sources: a few are larger than a bucket.
    const shards = Array.from({ length: 100_000 }, (_, shard) => {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return { shard, start: 0, end: Math.max(1, Math.round(30_000 * Math.exp(1.2 * normal))) };
    });
    const buckets = packShards(shards, 2_000_000);
    const { bucketCount, lowerBound, fill } = packingQuality(buckets, 2_000_000);
    expect(total(buckets.flat())).toBe(total(shards));
    expect(bucketCount).toBeLessThanOrEqual(lowerBound + 1);
    expect(fill.max).toBeLessThanOrEqual(1);
  });

  it('packs 100,000 shards that are all larger than a bucket', () => {
    const shards = Array.from({ length: 100_000 }, (_, shard) => ({ shard, start: 0, end: 1501 }));
    const buckets = packShards(shards, 1000);
    // Two remainders of 501 rows do not fit into one bucket: each remainder needs its own.
    expect(buckets.length).toBe(200_000);
  });
});

describe('rangesNotHeld', () => {
  const held = fc.array(
    fc.tuple(fc.nat(120), fc.nat(120)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
    { maxLength: 8 },
  );

  it('returns exactly the rows that are not held, in order', () => {
    fc.assert(
      fc.property(fc.nat(100), held, (rows, ranges) => {
        const expected = Array.from({ length: rows }, (_, row) => row).filter(
          (row) => !ranges.some(({ start, end }) => row >= start && row < end),
        );
        const left = rangesNotHeld(7, rows, ranges);
        expect(left.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))).toEqual(
          expected,
        );
        for (const range of left) {
          expect(range.shard).toBe(7);
          expect(rowsOf(range)).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('packingQuality', () => {
  it('measures fill, spread and bound', () => {
    const buckets = [[{ shard: 0, start: 0, end: 80 }], [{ shard: 1, start: 10, end: 30 }]];
    expect(packingQuality(buckets, 100)).toEqual({
      bucketCount: 2,
      lowerBound: 1,
      fill: { min: 0.2, mean: 0.5, max: 0.8 },
      spreadRows: 60,
    });
  });
});
