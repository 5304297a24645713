import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { sealedText } from '../../../workers/src/base/text/document.ts';
import { fingerprint, sourceKey } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { parseCatalogEntry, parseIngestRecord } from '../../../workers/src/database/catalog/parse-entry.ts';
import { measureNulls } from '../../../workers/src/vectors/significance/measure-nulls.ts';
import { changed, ENTRY, fieldsOf, RECORD, SOURCE } from '../../support/catalog.ts';

const planned = { version: 1, state: 'planned', bucket: 'bucket_00001', sources: [SOURCE] };
const WHERE = '/db/_catalog/bucket_00001.json';
const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const parseEntry = (value: unknown) => parseCatalogEntry(text(value), 'bucket_00001', WHERE);
const parsePending = (value: unknown) => parseIngestRecord(text(value), 'bucket_00001', WHERE);
const file = ENTRY.files[0]!;

/** Adds the fingerprint that a writer would have computed. */
const written = (change: object) => {
  const entry = { ...ENTRY, ...change };
  return { ...entry, fingerprint: fingerprint(entry) };
};

describe('parseCatalogEntry', () => {
  it('accepts entries of index-bucket, and those of earlier versions without a checksum of the entry', () => {
    expect(parseEntry(sealedText(ENTRY))).toEqual(ENTRY);
    expect(parseEntry(ENTRY)).toEqual(ENTRY);
  });

  it('accepts a null distribution of the right size, and no other', () => {
    const rows = Float32Array.from({ length: 20 * ENTRY.dimension }, (_, i) => Math.sin(i * i));
    const nullDistances = measureNulls('cosine', ENTRY.dimension, rows, rows.subarray(0, 8 * ENTRY.dimension));
    const entry = written({ nullDistances });
    expect(parseEntry(entry)).toEqual(entry);
    expect(entry.fingerprint).not.toBe(ENTRY.fingerprint);
    const short = { ...nullDistances, mean: nullDistances.mean.slice(4) };
    expect(() => parseEntry(written({ nullDistances: short }))).toThrow('"nullDistances.mean"');
  });

  it('reads an entry whose null distribution has no shape of the tail as one without', () => {
    const nulls = { mean: '', factors: '', scales: [], tail: { start: 1, share: 0.1, scale: 2 }, histogram: {} };
    const entry = { ...ENTRY, nullDistances: nulls };
    const print = fingerprint(entry as never);
    expect(parseEntry({ ...entry, fingerprint: print })).toEqual({ ...ENTRY, fingerprint: print });
    expect(() => parseEntry({ ...entry, nullDistances: { ...nulls, mean: 'AA==' }, fingerprint: print })).toThrow(
      '"fingerprint" does not match',
    );
  });

  it('accepts the CRC-32 of earlier versions, which their fingerprints cover', () => {
    const [old, now] = [{ crc32: '0000000a' }, { checksum: 'crc32:0000000a' }].map((sum) => ({
      ...{ files: ENTRY.files.map(({ path, bytes }) => ({ path, bytes, ...sum })) },
      fragments: ENTRY.fragments!.map(({ checksum: _, ...fragment }) => ({ ...fragment, ...sum })),
      partitions: { path: ENTRY.partitions!.path, count: 28, bytes: 900, ...sum },
    }));
    const entry = { ...ENTRY, ...old };
    const print = fingerprint(entry as never);
    expect(parseEntry({ ...entry, fingerprint: print })).toEqual({ ...ENTRY, ...now, fingerprint: print });
    const table = { ...RECORD.table, ...old };
    expect(parsePending({ ...RECORD, table })).toEqual({ ...RECORD, table: { ...RECORD.table, ...now } });
  });

  it('drops attributes that are NaN, which JSON writes as null', () => {
    expect(parseEntry({ ...ENTRY, model: { model: 'm', model_hash: 7, loss: null } })).toEqual(ENTRY);
    expect(() => parseEntry({ ...ENTRY, model: { model: null } })).toThrow('"model.model" is null');
  });

  it.each<[string, unknown, string]>([
    ['nothing', '', 'not a JSON object'],
    ['half a file', JSON.stringify(ENTRY).slice(0, 200), 'not a JSON object'],
    ['a list', [ENTRY], 'not a JSON object'],
    ['no version', { ...ENTRY, version: undefined }, '"version" is missing'],
    [
      'the name of another bucket',
      { ...ENTRY, bucket: 'bucket_00002' },
      '"bucket" is "bucket_00002"; it must be the name of the file',
    ],
    ['a name that leaves the folder', { ...ENTRY, bucket: '../../home' }, '"bucket"'],
    ['rows as text', { ...ENTRY, rows: '800' }, '"rows" is "800"; it must be a whole number from 0'],
    ['an unknown metric', { ...ENTRY, metric: 'hamming' }, '"metric" is "hamming"; it must be one of cosine, l2, dot'],
    ['sources that are not a list', { ...ENTRY, sources: 5 }, '"sources" is 5; it must be a list'],
    ['a source that is null', { ...ENTRY, sources: [null] }, '"sources[0]" is null; it must be an object'],
    ['a file outside of the table', written({ files: [{ ...file, path: '../../etc/x' }] }), '"files[0].path"'],
    ['partitions outside of the database', { ...ENTRY, partitions: { ...file, path: '/etc/x' } }, '"partitions.path"'],
    ['bytes that do not add up', { ...ENTRY, bytes: 15_404 }, '"bytes" is 15404'],
    ['a metric that is not the index\u2019s', written({ metric: 'l2' }), '"index.metric"'],
    ['another version of the table', written({ tableVersion: 5 }), '"tableVersion"'],
    ['no manifest', written({ files: ENTRY.files.slice(0, 4), bytes: 14_925 }), '"files" has 0 manifests'],
    [
      'a file twice',
      written({ files: [...ENTRY.files, file], bytes: 15_705 }),
      '"files" has "_indices/0/index.idx" twice',
    ],
    ['more partitions than rows', { ...ENTRY, partitions: { ...ENTRY.partitions, count: 801 } }, '"partitions.count"'],
    [
      'sub-vectors that do not divide',
      { ...ENTRY, index: { ...ENTRY.index, kind: 'ivf-pq', subVectors: 3 } },
      '"index.subVectors"',
    ],
    ['an index without partitions', { ...ENTRY, index: { ...ENTRY.index, partitions: 0 } }, '"index.partitions"'],
    ['an index of other partitions', { ...ENTRY, index: { ...ENTRY.index, partitions: 27 } }, '"index.partitions"'],
    ['a fragment too few', { ...ENTRY, fragments: ENTRY.fragments!.slice(1) }, '"fragments"'],
    [
      'a fragment twice',
      { ...ENTRY, fragments: [400, 400].map((rows) => ({ ...ENTRY.fragments![0], rows })) },
      'twice',
    ],
    ['vectors after the end of the file', { ...ENTRY, dimension: 5 }, '"fragments[0].offset" is 0'],
    ['an offset as null', changed(ENTRY, ['fragments', 1, 'offset'], null), '"fragments[1].offset" is null'],
    ['a fingerprint of another table', { ...ENTRY, fingerprint: '0'.repeat(32) }, '"fingerprint"'],
  ])('refuses %s, naming it', (_, value, named) => {
    expect(() => parseEntry(value)).toThrow(DataError);
    expect(() => parseEntry(value)).toThrow(named);
    expect(() => parseEntry(value)).toThrow(/^\/db\/_catalog\/bucket_00001\.json: .*build the bucket again\.$/);
  });

  it('distinguishes a newer version from damage', () => {
    expect(() => parseEntry({ ...ENTRY, version: 2 })).toThrow(/version 2 .* newer LanceFlow/);
  });
});

/** Values of every type, including values that are valid in other fields. */
const WRONG = [null, true, '', 'x', '../x', -1, 0, 1, 1.5, 3, 1e300, [], {}, undefined];

const valueAt = (value: unknown, path: readonly (string | number)[]) =>
  path.reduce((inside, key) => (inside as Record<string | number, unknown>)[key], value);
const shown = (path: readonly (string | number)[]) =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${key}`)).join('');

describe.each([
  ['a catalog entry', ENTRY, parseEntry],
  ['an ingest record', RECORD, parsePending],
] as const)('%s with one changed field', (_, document, parse) => {
  const fields = fieldsOf(document);

  it('is refused by its checksum after a change of any field', () => {
    const sealed = JSON.parse(sealedText(document));
    for (const path of [...fields, ['checksum']])
      for (const value of WRONG) {
        const other = changed(sealed, path, value);
        // Documents of earlier versions have no checksum.
        if (other.checksum === undefined || JSON.stringify(other) === JSON.stringify(sealed)) continue;
        expect(() => parse(other), `${path.join('.')} ${JSON.stringify(value)}`).toThrow(DataError);
      }
  });

  it('is refused without a checksum where a type or a range is wrong, naming the field', () => {
    // Any text or number is possible in these fields: they are not used, or compared with the request.
    const free = /^(table\.)?model\.|^sources\.\d\.(path|shard)$|recipe|Recipe|^software|^steps|^ingest\.|parameters\./;
    // Optional fields.
    const optional =
      /^(fragments|partitions|index\.(centroids|parameters\.\w+)|metric|recipe|table|ingest)$|fragments\.\d+\.checksum$|^table\.(fragments|partitions|files)$/;
    const allowed = (path: string, value: unknown) =>
      (/(model|parameters)$/.test(path) && JSON.stringify(value) === '{}') ||
      (value === undefined && (optional.test(path) || /model\.model/.test(path))) ||
      (free.test(path) && (typeof value === 'string' || typeof value === 'number'));
    const accepted: string[] = [];
    for (const path of fields)
      for (const value of WRONG) {
        const other = changed(document, path, value);
        if (JSON.stringify(other) === JSON.stringify(document)) continue;
        const name = path.join('.');
        try {
          parse(other);
          if (!allowed(name, value)) accepted.push(`${name} ${JSON.stringify(value)}`);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
          const { message } = error as Error;
          expect(message).toMatch(/"[a-z]|version 3/);
          // A rule between two fields names one of them; a wrong type names its own field.
          if (value !== undefined && typeof value !== typeof valueAt(document, path))
            expect(message, name).toContain(`"${shown(path)}" is ${JSON.stringify(value)}; it must be `);
        }
      }
    // Another number in a field on which no other depends: only the table's files can contradict it.
    expect(
      accepted.filter(
        (one) => !/offset|tableVersion|dataBytes|(bytes|count|rows|dimension|end|partitions\.\w+) \d/.test(one),
      ),
    ).toEqual([]);
  });

  it('is parsed or refused with a DataError for any JSON', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue(), (path, value) => {
        try {
          parse(changed(document, path, value));
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });
});

describe('parseIngestRecord', () => {
  it('accepts records of pack-buckets and ingest-bucket', () => {
    expect(parsePending(planned)).toEqual(planned);
    expect(parsePending(sealedText(RECORD))).toEqual(RECORD);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['the name of another bucket', { ...planned, bucket: 'bucket_00002' }],
    ['another state', { ...planned, state: 'done' }],
    ['no sources', { ...planned, sources: [] }],
    ['half a table', { ...planned, state: 'ingested', table: { rows: 7 } }],
    ['rows that its sources do not have', changed(RECORD, ['sources', 0, 'start'], 201)],
  ])('refuses %s', (_, value) => {
    expect(() => parsePending(value)).toThrow(DataError);
  });
});

describe('sourceKey', () => {
  const a = { contentHash: 'a', start: 0, end: 5 };
  const b = { contentHash: 'b', start: 0, end: 5 };

  it('is the same for the same rows in any order', () => {
    expect(sourceKey([a, b])).toBe(sourceKey([b, a]));
  });

  it('differs for other rows', () => {
    const keys = [[a], [a, b], [a, a], [{ ...a, end: 6 }], [{ ...a, start: 1 }], [b]].map(sourceKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('fingerprint', () => {
  it('changes only with a file of the table', () => {
    expect(fingerprint({ ...ENTRY, ...{ created: 'now' } })).toBe(ENTRY.fingerprint);
    const other = [{ ...file, checksum: 'crc64nvme:0000000000000001' }];
    expect(fingerprint({ ...ENTRY, files: other })).not.toBe(ENTRY.fingerprint);
  });
});
