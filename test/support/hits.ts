import fc from 'fast-check';
import { columnFrom, columnText } from '../../workers/src/base/bytes/utf8-column.ts';
import { type HitColumns, hitRows, hitsOf, type NeighbourColumns, textBytes } from '../../workers/src/hits/columns.ts';
import { EXTRA_TYPES, type ExtraField, type ExtraType, type ExtraValue } from '../../workers/src/hits/extra-column.ts';

/** A hit as one object, for small tests. */
export interface Hit {
  query: string;
  target: string;
  distance: number;
  bucket: string;
}

export interface Neighbour extends Hit {
  rank: number;
}

/** Orders texts by their UTF-8 bytes. */
export const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

export const sortedHits = (hits: readonly Hit[]) =>
  [...hits].sort(
    (a, b) =>
      bytewise(a.query, b.query) ||
      a.distance - b.distance ||
      bytewise(a.target, b.target) ||
      bytewise(a.bucket, b.bucket),
  );

/** Merges hits by a plain sort. */
export function naiveMerge(hits: readonly Hit[], k: number): Neighbour[] {
  const ranks = new Map<string, number>();
  return sortedHits(hits)
    .map((hit) => {
      const rank = (ranks.get(hit.query) ?? 0) + 1;
      ranks.set(hit.query, rank);
      return { ...hit, rank };
    })
    .filter(({ rank }) => rank <= k);
}

/** Converts hits to columns for the writer. */
export function packedHits(hits: readonly Hit[]) {
  return {
    queryIds: columnFrom(hits.map(({ query }) => query)),
    targetIds: columnFrom(hits.map(({ target }) => target)),
    distances: Float32Array.from(hits, ({ distance }) => distance),
    buckets: columnFrom(hits.map(({ bucket }) => bucket)),
  };
}

/** Converts hits to columns for merging. */
export const hitColumns = (hits: readonly Hit[]): HitColumns => hitsOf(packedHits(hits));

export function neighboursOf(batch: NeighbourColumns): Neighbour[] {
  return Array.from({ length: hitRows(batch) }, (_, row) => ({
    query: columnText(batch.queryIds, row),
    target: columnText(batch.targetIds, row),
    distance: batch.distances[row]!,
    bucket: columnText(batch.buckets, row),
    rank: batch.ranks[row]!,
  }));
}

/** Ids that are similar, differ in length, and sort differently as UTF-16 and as UTF-8; also hostile ones. */
export const id = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'ab', 'b', 'é', '\uffff', '😀', '') },
  { weight: 1, arbitrary: fc.constantFrom('a,"b"', 'x\r\ny', "'; DROP TABLE", '<b>', 'z'.repeat(10_000)) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
);

/** Few distances, so that ties are common. */
const distance = fc.constantFrom(0, 0.1, 0.25, 1, 1.5, 2, Math.fround(1e-8)).map(Math.fround);

/** Hits of several queries, without duplicates. */
export const hits: fc.Arbitrary<Hit[]> = fc.uniqueArray(
  fc.record({ query: id, target: id, distance, bucket: fc.constantFrom('bucket_00001', 'bucket_00002', 'b,"3"') }),
  { maxLength: 30, selector: ({ query, target, bucket }) => JSON.stringify([query, target, bucket]) },
);

export function hitsIn(batch: HitColumns): Hit[] {
  const text = (texts: HitColumns['queryIds'], row: number) => Buffer.from(textBytes(texts, row)).toString();
  return Array.from({ length: hitRows(batch) }, (_, row) => ({
    query: text(batch.queryIds, row),
    target: text(batch.targetIds, row),
    distance: batch.distances[row]!,
    bucket: text(batch.buckets, row),
  }));
}

/** Values that spreadsheets evaluate, browsers run, CSV quotes, or readers take for null. */
const hostileText = fc.constantFrom(
  '',
  'a,b',
  '=1+1',
  'x;=HYPERLINK("u")',
  '<script>alert(1)</script>',
  '"',
  'l\r\nm',
  'NA',
  'é😀',
);
const extraType = fc.constantFrom(...EXTRA_TYPES);

/** Returns values of a type, null among them. */
export function extraValues(type: ExtraType): fc.Arbitrary<ExtraValue> {
  const values: Record<ExtraType, fc.Arbitrary<string | bigint | number>> = {
    utf8: fc.oneof(hostileText, fc.string({ unit: 'grapheme', maxLength: 8 })),
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    float32: fc.float({ noNaN: true }).map((value) => value + 0),
    float64: fc.double({ noNaN: true }).map((value) => value + 0),
  };
  return fc.option(values[type], { nil: null });
}

/** Some extra columns, and a row of values for each of `rows` rows. */
export const extraRows = (rows: number): fc.Arbitrary<{ fields: ExtraField[]; columns: ExtraValue[][] }> =>
  fc
    .array(extraType, { maxLength: 4 })
    .chain((types) =>
      fc
        .tuple(...types.map((type) => fc.array(extraValues(type), { minLength: rows, maxLength: rows })))
        .map((columns) => ({ fields: types.map((type, i) => ({ name: `c${i}`, type })), columns })),
    );
