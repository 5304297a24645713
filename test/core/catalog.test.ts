import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint, parseCatalogEntry, parseIngestRecord, sourceKey } from '../../workers/src/core/catalog.ts';
import { DataError } from '../../workers/src/errors.ts';

const source = { shard: 0, path: 'a.h5', rows: 9, start: 2, end: 9, contentHash: 'c', vectorType: 'float32' };
const entry = {
  version: 1,
  bucket: 'bucket_00001',
  rows: 7,
  dimension: 4,
  vectorType: 'float32',
  metric: 'cosine',
  model: {},
  index: { kind: 'none', metric: 'cosine', partitions: 0, parameters: {} },
  sources: [source],
  recipe: 'r',
  indexRecipe: 'i',
  tableVersion: 2,
  files: [{ path: 'data/1.lance', bytes: 10, checksum: 'crc64nvme:0000000000000000' }],
  bytes: 10,
  fingerprint: 'f',
};
const record = { version: 1, state: 'planned', bucket: 'bucket_00001', sources: [source] };
const WHERE = '/db/_catalog/bucket_00001.json';
const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const parseEntry = (value: unknown) => parseCatalogEntry(text(value), 'bucket_00001', WHERE);
const parsePending = (value: unknown) => parseIngestRecord(text(value), 'bucket_00001', WHERE);

describe('parseCatalogEntry', () => {
  it('takes what index-bucket writes', () => {
    expect(parseEntry(entry)).toEqual(entry);
  });

  it('takes the CRC-32 of earlier versions', () => {
    const file = { path: 'data/1.lance', bytes: 10 };
    const partitions = { path: '_partitions/p.arrow', count: 2, bytes: 9 };
    const [old, now] = [{ crc32: '0000000a' }, { checksum: 'crc32:0000000a' }].map((checksum) => ({
      ...entry,
      files: [{ ...file, ...checksum }],
      fragments: [{ path: 'data/1.lance', rows: 7, offset: 0, ...checksum }],
      partitions: { ...partitions, ...checksum },
    }));
    expect(parseEntry(old)).toEqual(now);
    const table = { rows: 7, dimension: 4, vectorType: 'float32', model: {}, dataBytes: 1, tableVersion: 1 };
    const ingested = { ...record, state: 'ingested', metric: 'l2', recipe: 'r' };
    expect(parsePending({ ...ingested, table: { ...table, files: old!.files } })).toEqual({
      ...ingested,
      table: { ...table, files: now!.files },
    });
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['half a file', JSON.stringify(entry).slice(0, 200)],
    ['a list', [entry]],
    ['no version', { ...entry, version: undefined }],
    ['the name of another bucket', { ...entry, bucket: 'bucket_00002' }],
    ['a name that leaves the folder', { ...entry, bucket: '../../home' }],
    ['rows as text', { ...entry, rows: '7' }],
    ['no rows', { ...entry, rows: 0 }],
    ['an unknown metric', { ...entry, metric: 'hamming' }],
    ['no index', { ...entry, index: undefined }],
    ['sources that are no list', { ...entry, sources: 5 }],
    ['a source that is null', { ...entry, sources: [null] }],
    ['a file outside of the table', { ...entry, files: [{ ...entry.files[0], path: '../../etc/passwd' }] }],
    ['a file without a checksum', { ...entry, files: [{ path: 'data/1.lance', bytes: 10 }] }],
    ['a checksum of another kind', { ...entry, files: [{ ...entry.files[0], checksum: 'md5:00' }] }],
    ['partitions outside of the database', { ...entry, partitions: { ...entry.files[0], path: '/etc/passwd' } }],
    ['partitions in a folder above', { ...entry, partitions: { ...entry.files[0], path: '_partitions/../../x' } }],
  ])('refuses %s', (_, value) => {
    expect(() => parseEntry(value)).toThrow(DataError);
    expect(() => parseEntry(value)).toThrow(/^\/db\/_catalog\/bucket_00001\.json: .*build the bucket again\.$/);
  });

  it('tells a newer version from a damaged one', () => {
    expect(() => parseEntry({ ...entry, version: 2 })).toThrow(/version 2 .* newer LanceFlow/);
  });

  it('answers whatever JSON with an entry or a DataError', () => {
    const damaged = fc.tuple(fc.constantFrom(...Object.keys(entry)), fc.jsonValue());
    fc.assert(
      fc.property(damaged, ([field, value]) => {
        for (const parse of [parseEntry, parsePending]) {
          try {
            parse({ ...entry, ...record, [field]: value });
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
          }
        }
      }),
    );
  });
});

describe('parseIngestRecord', () => {
  it('takes what pack-buckets and ingest-bucket write', () => {
    expect(parsePending(record)).toEqual(record);
    const table = { rows: 7, dimension: 4, vectorType: 'float32', model: {}, dataBytes: 1, tableVersion: 1 };
    const ingested = { ...record, state: 'ingested', metric: 'l2', recipe: 'r', table };
    expect(parsePending(ingested)).toEqual(ingested);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['the name of another bucket', { ...record, bucket: 'bucket_00002' }],
    ['another state', { ...record, state: 'done' }],
    ['no sources', { ...record, sources: [] }],
    ['half a table', { ...record, state: 'ingested', table: { rows: 7 } }],
  ])('refuses %s', (_, value) => {
    expect(() => parsePending(value)).toThrow(DataError);
  });
});

describe('sourceKey', () => {
  const a = { contentHash: 'a', start: 0, end: 5 };
  const b = { contentHash: 'b', start: 0, end: 5 };

  it('knows the same rows in any order', () => {
    expect(sourceKey([a, b])).toBe(sourceKey([b, a]));
  });

  it('tells other rows apart', () => {
    const keys = [[a], [a, b], [a, a], [{ ...a, end: 6 }], [{ ...a, start: 1 }], [b]].map(sourceKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('fingerprint', () => {
  it('changes with a file of the table, and with nothing else', () => {
    const facts = { bucket: 'b', rows: 1, metric: 'cosine' as const, tableVersion: 1, files: entry.files };
    expect(fingerprint({ ...facts, ...{ created: 'now' } })).toBe(fingerprint(facts));
    const other = [{ ...entry.files[0]!, checksum: 'crc64nvme:0000000000000001' }];
    expect(fingerprint({ ...facts, files: other })).not.toBe(fingerprint(facts));
  });
});
