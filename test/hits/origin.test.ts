import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findCampaignConflict,
  findMergeConflict,
  type HitsOrigin,
  originMetadata,
  readOrigin,
} from '../../workers/src/hits/origin.ts';

const origin: fc.Arbitrary<HitsOrigin> = fc.record({
  bucket: fc.string({ minLength: 1 }),
  metric: fc.constantFrom('cosine', 'l2', 'dot'),
  k: fc.integer({ min: 1, max: 50_000 }),
  excludeSelf: fc.boolean(),
  maxDistance: fc
    .oneof(fc.constantFrom(Number.POSITIVE_INFINITY, 0, 0.25, -3), fc.double({ noNaN: true }))
    .map((x) => x + 0),
  queries: fc.string({ minLength: 1 }),
  range: fc
    .tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }))
    .map(([first, count]) => ({ first, end: first + count })),
});
const read = (metadata: Record<string, string>) =>
  readOrigin(new Map(Object.entries(metadata)), (problem) => new Error(problem));
const plain: HitsOrigin = {
  ...{
    bucket: 'b1',
    metric: 'cosine',
    k: 10,
    excludeSelf: false,
    maxDistance: Number.POSITIVE_INFINITY,
    queries: 'abc',
  },
  range: { first: 0, end: 100 },
};
const file = (path: string, changed: Partial<HitsOrigin> = {}) => ({ path, origin: { ...plain, ...changed } });

describe('the metadata of hits', () => {
  it('restore the origin', () => {
    fc.assert(
      fc.property(origin, (one) => {
        expect(read(originMetadata(one))).toEqual(one);
      }),
    );
  });

  it('restore nothing if a field is missing', () => {
    expect(read({})).toBeUndefined();
    expect(read({ 'lanceflow.ordered_by': 'query_id,rank' })).toBeUndefined();
    for (const key of Object.keys(originMetadata(plain))) {
      const { [key]: _, ...rest } = originMetadata(plain);
      expect(read(rest)).toBeUndefined();
    }
  });

  it.each([
    ['bucket', ''],
    ['metric', 'hamming'],
    ['k', '0', '-1', '1.5', 'ten', ''],
    ['exclude_self', 'yes'],
    ['max_distance', 'NaN', 'far', ''],
    ['queries', ''],
    ['range', '5:5', '7:3', '0', 'a:b', '-1:4'],
  ])('are refused where %s cannot be, by its name', (name, ...wrong) => {
    const key = `lanceflow.${name}`;
    for (const value of wrong)
      expect(() => read({ ...originMetadata(plain), [key]: value })).toThrow(`"${key}" is "${value}"`);
  });
});

describe('files to be merged', () => {
  it('may be of any buckets, of ranges that do not overlap, and without an origin', () => {
    const ranges = [
      file('c', { bucket: 'b2', range: { first: 50, end: 100 } }),
      file('b', { bucket: 'b2', range: { first: 0, end: 50 } }),
    ];
    expect(findMergeConflict([file('a'), ...ranges, { path: 'd', origin: undefined }], 10)).toBeUndefined();
    expect(findMergeConflict([file('a', { k: 20 }), file('b', { bucket: 'b2' })], 5)).toBeUndefined();
    expect(findMergeConflict([], 5)).toBeUndefined();
    // Hits and ground truth are of the same buckets and queries.
    expect(findCampaignConflict([file('a'), file('a.truth')], 10)).toBeUndefined();
  });

  it.each<[string, Partial<HitsOrigin>, RegExp]>([
    ['metric', { metric: 'l2' }, /^b and a have distances of two metrics, l2 and cosine/],
    ['query set', { queries: 'abd' }, /^b and a are hits of two query sets/],
    ['own ids', { excludeSelf: true }, /^b and a were searched with different --exclude-self/],
    ['farthest distance', { maxDistance: 0.5 }, /--max-distance/],
    ['k', { k: 9 }, /^b: these hits were cut at k = 9, .* --k 9\.$/],
  ])('are not of another %s', (_, changed, message) => {
    expect(
      findMergeConflict([file('a'), { path: 'x', origin: undefined }, file('b', { bucket: 'b2', ...changed })], 10),
    ).toMatch(message);
  });

  it('must not contain a query of a bucket twice', () => {
    expect(findMergeConflict([file('a'), file('b')], 10)).toMatch(/^a and b both have hits of b1 for the same queries/);
    const overlapping = [
      file('a', { range: { first: 0, end: 51 } }),
      file('x', { bucket: 'b0' }),
      file('b', { range: { first: 50, end: 60 } }),
    ];
    expect(findMergeConflict(overlapping, 10)).toMatch(/^a and b both/);
  });
});
