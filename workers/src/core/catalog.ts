import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import { isChecksum } from './checksum.ts';
import { isCount, isInnerPath, isRecord, isSource, type JsonRecord, parseJson } from './json-check.ts';
import { METRICS, type Metric } from './metric.ts';
import type { PlanSource } from './plan.ts';
import type { ShardAttributes, VectorType } from './shard.ts';

/** A file of a table, by its path inside the table's folder. */
export interface TableFile {
  path: string;
  bytes: number;
  /** Of the content, with its algorithm: `crc64nvme:...`. */
  checksum: string;
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
  /** Where they are not LanceDB's: the index has the partitions of the table's order. */
  centroids?: 'order';
  parameters: Record<string, number>;
}

/** A data file that holds the vectors of one fragment end to end: rows * dimension components. */
export interface FragmentFile {
  path: string;
  rows: number;
  /** The byte at which they begin. */
  offset: number;
  /** Of the rest of the file: ids and what describes them. */
  checksum?: string;
}

/** A table whose rows lie partition by partition. Format of the file: docs/formats.md. */
export interface PartitionOrder {
  /** Arrow IPC file with the centroids and the row range of each partition, relative to the database. */
  path: string;
  count: number;
  bytes: number;
  checksum: string;
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
  /** The files, where they were published by copying: what need not be read again. */
  files?: TableFile[];
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

type Checks = Record<string, (value: unknown) => boolean>;

const isSources = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isSource);
const isFile = (value: unknown) => isRecord(value) && isInnerPath(value.path) && isChecksum(value.checksum);
const isFileList = (value: unknown) => Array.isArray(value) && value.every(isFile);
const isFragment = (value: unknown) =>
  isRecord(value) && isInnerPath(value.path) && (value.checksum === undefined || isChecksum(value.checksum));
const isFragmentList = (value: unknown) => Array.isArray(value) && value.every(isFragment);
const isMetric = (value: unknown) => METRICS.some((metric) => metric === value);
const isText = (value: unknown) => typeof value === 'string';
const optional = (check: (value: unknown) => boolean) => (value: unknown) => value === undefined || check(value);

const ENTRY_CHECKS: Checks = {
  rows: (value) => isCount(value) && value > 0,
  dimension: (value) => isCount(value) && value > 0,
  metric: isMetric,
  model: isRecord,
  index: (value) => isRecord(value) && isText(value.kind) && isCount(value.partitions),
  sources: isSources,
  recipe: isText,
  indexRecipe: isText,
  files: isFileList,
  fingerprint: isText,
  fragments: optional(isFragmentList),
  partitions: optional(isFile),
};

const TABLE_CHECKS: Checks = {
  rows: ENTRY_CHECKS.rows!,
  dimension: ENTRY_CHECKS.dimension!,
  model: isRecord,
  fragments: optional(isFragmentList),
  partitions: optional(isFile),
  files: optional(isFileList),
};

const RECORD_CHECKS: Checks = {
  state: (value) => value === 'planned' || value === 'ingested',
  sources: isSources,
  metric: optional(isMetric),
  recipe: optional(isText),
  table: optional((value) => isRecord(value) && failedCheck(value, TABLE_CHECKS) === undefined),
};

/** Parses the catalog entry of a bucket. @throws DataError naming where it came from */
export function parseCatalogEntry(text: string, bucket: string, where: string): CatalogEntry {
  return parseRecord(text, bucket, where, 'catalog entry', ENTRY_CHECKS);
}

/** Parses the ingest record of a bucket. @throws DataError naming where it came from */
export function parseIngestRecord(text: string, bucket: string, where: string): IngestRecord {
  return parseRecord(text, bucket, where, 'ingest record', RECORD_CHECKS);
}

/**
 * Checks what the commands rely on: a file can be damaged, or be somebody else's. A bucket's name becomes part of paths
 * that are written and removed, so it must be the name of the file that it was read from.
 */
function parseRecord<T>(text: string, bucket: string, where: string, what: string, checks: Checks): T {
  const fail = (problem: string) =>
    new DataError(`${where}: the ${what} is damaged: ${problem}. Remove this file and build the bucket again.`);
  const record = withChecksums(parseJson(text));
  if (!isRecord(record)) throw fail('not a JSON object');
  if (isCount(record.version) && record.version > 1)
    throw new DataError(`${where}: version ${record.version} of the ${what} needs a newer LanceFlow.`);
  if (record.version !== 1) throw fail('"version" is wrong or missing');
  if (record.bucket !== bucket) throw fail('"bucket" is not the name of the file');
  const wrong = failedCheck(record, checks);
  if (wrong !== undefined) throw fail(`"${wrong}" is wrong or missing`);
  return record as T;
}

/** Earlier versions wrote CRC-32, under that name. */
function withChecksums(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const one = (file: unknown) => {
    if (!isRecord(file) || typeof file.crc32 !== 'string') return file;
    const { crc32, ...rest } = file;
    return { ...rest, checksum: `crc32:${crc32}` };
  };
  const all = (files: unknown) => (Array.isArray(files) ? files.map(one) : one(files));
  const record = { ...value };
  for (const field of ['files', 'fragments', 'partitions'])
    if (record[field] !== undefined) record[field] = all(record[field]);
  if (record.table !== undefined) record.table = withChecksums(record.table);
  return record;
}

function failedCheck(record: JsonRecord, checks: Checks): string | undefined {
  return Object.keys(checks).find((field) => !checks[field]!(record[field]));
}

/** The sources of a bucket as a set: the same rows of the same contents, in any order and from any path. */
export function sourceKey(sources: readonly Pick<PlanSource, 'contentHash' | 'start' | 'end'>[]): string {
  const parts = sources.map(({ contentHash, start, end }) => `${contentHash}:${start}-${end}`).sort();
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
