import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CatalogEntry, fingerprint, type IngestRecord } from '../../workers/src/database/catalog/catalog-entry.ts';
import { manifestNames } from '../../workers/src/database/catalog/catalog-rules.ts';

/** A valid entry and a valid record, of a table that does not exist. */

export const SOURCE = {
  ...{ shard: 0, path: 'a.h5', rows: 1000, start: 200, end: 1000, contentHash: 'c'.repeat(64) },
  vectorType: 'float32' as const,
};
const SUM = 'crc64nvme:0123456789abcdef';
const FILES = [
  { path: '_indices/0/index.idx', bytes: 300, checksum: SUM },
  { path: 'data/1.lance', bytes: 9000, checksum: SUM },
  { path: 'data/2.lance', bytes: 5500, checksum: SUM },
  { path: '_transactions/2-0.txn', bytes: 125, checksum: SUM },
  { path: manifestNames(4)[0]!, bytes: 480, checksum: SUM },
];
const FRAGMENTS = [
  { path: 'data/2.lance', rows: 300, offset: 0, checksum: SUM },
  { path: 'data/1.lance', rows: 500, offset: 64, checksum: SUM },
];
const PARTITIONS = {
  ...{ path: '_partitions/bucket_00001-0123456789ab.arrow', count: 28, bytes: 900, checksum: SUM },
};

export const ENTRY: CatalogEntry = {
  version: 1,
  ...{ bucket: 'bucket_00001', rows: 800, metric: 'cosine', tableVersion: 4, files: FILES },
  ...{ dimension: 4, vectorType: 'float32', model: { model: 'm', model_hash: 7 } },
  index: { kind: 'ivf-rq', metric: 'cosine', partitions: 28, centroids: 'order', parameters: { maxIterations: 10 } },
  fragments: FRAGMENTS,
  partitions: PARTITIONS,
  sources: [SOURCE],
  ...{ recipe: 'r'.repeat(64), indexRecipe: `${'r'.repeat(64)}-i`, bytes: 15_405 },
  fingerprint: fingerprint({ bucket: 'bucket_00001', rows: 800, metric: 'cosine', tableVersion: 4, files: FILES }),
  steps: { ingest: { seconds: 2, cpuSeconds: 1 }, index: { seconds: 0.5, cpuSeconds: 0.25 } },
  software: { lanceflow: '0.1.0', lancedb: '0.39.0', node: 'v24.21.0' },
  created: '2026-11-29T01:42:42.864Z',
};

export const RECORD: IngestRecord = {
  version: 1,
  ...{ state: 'ingested', bucket: 'bucket_00001', sources: [SOURCE], metric: 'l2', recipe: 'r'.repeat(64) },
  table: {
    ...{ rows: 800, dimension: 4, vectorType: 'float32', model: { model: 'm' }, dataBytes: 14_500, tableVersion: 3 },
    fragments: FRAGMENTS,
    partitions: PARTITIONS,
    files: FILES.filter(({ path }) => path.startsWith('data/')),
  },
  ingest: { seconds: 2, cpuSeconds: 1 },
};

/** Returns every field of a document, as a path into it. */
export function fieldsOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  const own = path.length > 0 ? [[...path]] : [];
  if (typeof value !== 'object' || value === null) return own;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [...own, ...[...keys].flatMap((key) => fieldsOf((value as Record<string, unknown>)[key], [...path, key]))];
}

/** Copies a document with another value in one place; removes the field where the value is undefined. */
export function changed<T>(document: T, path: readonly (string | number)[], value: unknown): T {
  const copy = structuredClone(document);
  let inside = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) inside = inside[key] as Record<string | number, unknown>;
  if (value === undefined && !Array.isArray(inside)) delete inside[path.at(-1)!];
  else inside[path.at(-1)!] = value;
  return copy;
}

/** Rewrites a bucket's catalog entry in the form of an earlier version of LanceFlow, without a checksum of the entry. */
export async function rewriteEntry(
  database: string,
  bucket: string,
  change: (entry: CatalogEntry) => object,
): Promise<void> {
  const path = join(database, '_catalog', `${bucket}.json`);
  const { checksum: _, ...entry } = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify(change(entry as CatalogEntry)));
}
