import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { findBucket, parsePlan } from '../../../workers/src/database/catalog/bucket-plan.ts';

const source = {
  shard: 0,
  path: 'a.h5',
  rows: 9,
  start: 2,
  end: 9,
  contentHash: 'c'.repeat(64),
  vectorType: 'float32',
};
const plan = {
  version: 1,
  dimension: 4,
  bucketSize: 10,
  rows: 7,
  held: [],
  buckets: [{ bucket: 'bucket_00001', rows: 7, sources: [source] }],
};
const parse = (value: unknown) => parsePlan(typeof value === 'string' ? value : JSON.stringify(value), 'plan.json');
const withBucket = (change: object) => ({ ...plan, buckets: [{ ...plan.buckets[0], ...change }] });
const withSource = (change: object) => withBucket({ sources: [{ ...source, ...change }] });

describe('parsePlan', () => {
  it('accepts a plan of pack-buckets', () => {
    expect(parse(plan)).toEqual(plan);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['half a file', JSON.stringify(plan).slice(0, 100)],
    ['null', 'null'],
    ['a list', []],
    ['no version', { ...plan, version: undefined }],
    ['no dimension', { ...plan, dimension: undefined }],
    ['dimension 0', { ...plan, dimension: 0 }],
    ['dimension 1.5', { ...plan, dimension: 1.5 }],
    ['buckets that are not a list', { ...plan, buckets: {} }],
    ['a bucket that is null', { ...plan, buckets: [null] }],
    ['a bucket twice', { ...plan, buckets: [plan.buckets[0], plan.buckets[0]] }],
    ['a bucket that leaves the folder', withBucket({ bucket: '../x' })],
    ['a bucket with a command in its name', withBucket({ bucket: '$(touch x)' })],
    ['rows that do not add up', withBucket({ rows: 8 })],
    ['no rows', withBucket({ rows: undefined })],
    ['no sources', withBucket({ sources: [] })],
    ['sources that are not a list', withBucket({ sources: 'a.h5' })],
    ['a source without a path', withSource({ path: undefined })],
    ['a source without a hash', withSource({ contentHash: 7 })],
    ['a source that ends before it starts', withSource({ start: 9, end: 2 })],
    ['a source with a negative start', withSource({ start: -1 })],
    ['a source without rows', withSource({ end: 2 })],
    ['a source that ends after its shard', withSource({ rows: 8 })],
    ['a source of another type', withSource({ vectorType: 'int8' })],
    ['an invalid hash', withSource({ contentHash: 'c' })],
    ['more rows than a bucket may have', { ...plan, bucketSize: 6 }],
    ['buckets that do not add up', { ...plan, rows: 8 }],
    ['inputs held by nothing', { ...plan, held: [null] }],
  ])('refuses %s', (_, value) => {
    expect(() => parse(value)).toThrow(DataError);
    expect(() => parse(value)).toThrow(/^plan\.json: not a bucket plan: .*pack-buckets\.$/);
  });

  it('names the wrong field', () => {
    expect(() => parse(withSource({ start: -1 }))).toThrow(
      'plan.json: not a bucket plan: "buckets[0].sources[0].start" is -1; it must be a whole number from 0. Create one',
    );
  });

  it('distinguishes a newer version from damage', () => {
    expect(() => parse({ ...plan, version: 2 })).toThrow(/version 2 of the bucket plan needs a newer LanceFlow/);
  });

  it('returns a plan or throws a DataError for any JSON', () => {
    const damaged = fc.tuple(fc.constantFrom('version', 'dimension', 'buckets'), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          damaged.map(([field, value]) => ({ ...plan, [field]: value })),
        ),
        (value) => {
          try {
            parse(value);
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
          }
        },
      ),
    );
  });
});

describe('findBucket', () => {
  it('finds a bucket, or lists the buckets of the plan', () => {
    const parsed = parse(plan);
    expect(findBucket(parsed, 'bucket_00001', 'plan.json').rows).toBe(7);
    expect(() => findBucket(parsed, 'bucket_00002', 'plan.json')).toThrow(
      'plan.json: no bucket "bucket_00002" in this plan; it has: bucket_00001.',
    );
    expect(() => findBucket(parsed, '__proto__', 'plan.json')).toThrow(DataError);
  });

  it('lists at most ten buckets', () => {
    const buckets = Array.from({ length: 5000 }, (_, i) => ({ ...plan.buckets[0], bucket: `b${i}` }));
    expect(() => findBucket(parse({ ...plan, rows: 35_000, buckets }), 'x', 'plan.json')).toThrow(
      /it has: b0, .*b9, \.\.\.\.$/,
    );
  });
});
