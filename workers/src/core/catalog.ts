import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import type { Metric } from './metric.ts';
import type { PlanSource } from './plan.ts';
import type { ShardAttributes, VectorType } from './shard.ts';

/** A file of a table, by its path inside the table's folder. */
export interface TableFile {
  path: string;
  bytes: number;
  /** CRC-32 of the content, hex. */
  crc32: string;
}

/** The time one step took. */
export interface StepCost {
  seconds: number;
  cpuSeconds: number;
}

export interface IndexDescription {
  /** `none`: too few rows to train one; the table is searched by reading all of it. */
  kind: 'ivf-pq' | 'ivf-rq' | 'none';
  metric: Metric;
  partitions: number;
  /** IVF-PQ only. */
  subVectors?: number;
  parameters: Record<string, number>;
}

/** A data file that holds the vectors of one fragment end to end, from its first byte: rows * dimension components. */
export interface FragmentFile {
  path: string;
  rows: number;
}

/** A table whose rows lie partition by partition. Format of the file: docs/formats.md. */
export interface PartitionOrder {
  /** Arrow IPC file with the centroids and the row range of each partition, relative to the database. */
  path: string;
  count: number;
  bytes: number;
  crc32: string;
}

/** What ingest-bucket found out about the table it wrote. */
export interface TableDescription {
  rows: number;
  dimension: number;
  vectorType: VectorType;
  /** Attributes of the shards. */
  model: ShardAttributes;
  /** Size of `data/`. */
  dataBytes: number;
  tableVersion: number;
  /** Where vectors can be read without LanceDB, fragment by fragment; absent where that does not hold. */
  fragments?: FragmentFile[];
  partitions?: PartitionOrder;
}

/** What INGEST_BUCKET knows of a bucket; kept in `_pending/` until the bucket is indexed. */
export interface IngestRecord {
  version: 1;
  state: 'planned' | 'ingested';
  bucket: string;
  sources: PlanSource[];
  metric?: Metric;
  /** Hash of all that decides the table's content; the same recipe is not ingested again. */
  recipe?: string;
  table?: TableDescription;
  ingest?: StepCost;
}

/** `_catalog/<bucket>.json`: a bucket is part of the database if and only if this is there. Format: docs/formats.md. */
export interface CatalogEntry {
  version: 1;
  bucket: string;
  rows: number;
  dimension: number;
  vectorType: VectorType;
  metric: Metric;
  /** Attributes of the shards: which model made the vectors, and how. */
  model: ShardAttributes;
  index: IndexDescription;
  fragments?: FragmentFile[];
  partitions?: PartitionOrder;
  sources: PlanSource[];
  /** Hash of what decides the table's rows, and of what decides its index. */
  recipe: string;
  indexRecipe: string;
  tableVersion: number;
  files: TableFile[];
  bytes: number;
  /** Changes when the table's files change; the search stage's cache depends on it. */
  fingerprint: string;
  steps: { ingest: StepCost; index: StepCost };
  software: { lanceflow: string; lancedb: string; node: string };
  created: string;
}

/** Hash of what a search can see of a bucket: its files and version. Times and hosts do not count. */
export function fingerprint(
  entry: Pick<CatalogEntry, 'bucket' | 'rows' | 'metric' | 'tableVersion' | 'files'>,
): string {
  const { bucket, rows, metric, tableVersion, files } = entry;
  return createHash('sha256')
    .update(JSON.stringify({ bucket, rows, metric, tableVersion, files }))
    .digest('hex')
    .slice(0, 32);
}

/** Parses a catalog entry. @throws DataError naming where it came from */
export function parseCatalogEntry(text: string, where: string): CatalogEntry {
  return parseRecord(text, where, 'catalog entry', [
    'bucket',
    'rows',
    'dimension',
    'files',
    'fingerprint',
    'index',
    'sources',
  ]);
}

/** Parses an ingest record. @throws DataError naming where it came from */
export function parseIngestRecord(text: string, where: string): IngestRecord {
  return parseRecord(text, where, 'ingest record', ['bucket', 'state', 'sources']);
}

function parseRecord<T>(text: string, where: string, what: string, required: string[]): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DataError(`${where}: not JSON; the ${what} is damaged. Build the bucket again.`);
  }
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const absent = required.find((field) => record[field] === undefined);
  if (absent) throw new DataError(`${where}: the ${what} has no "${absent}"; it is damaged. Build the bucket again.`);
  if (record.version !== 1)
    throw new DataError(
      `${where}: version ${JSON.stringify(record.version)} of the ${what} is not known to this LanceFlow.`,
    );
  return record as T;
}

/** The sources of a bucket as a set: the same rows of the same contents, in any order and from any path. */
export function sourceKey(sources: readonly Pick<PlanSource, 'contentHash' | 'start' | 'end'>[]): string {
  const parts = sources.map(({ contentHash, start, end }) => `${contentHash}:${start}-${end}`).sort();
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
