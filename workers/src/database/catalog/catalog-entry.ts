import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import {
  AMOUNT,
  ATTRIBUTES,
  CHECKSUM,
  COUNT,
  choice,
  INNER_PATH,
  SIZE,
  TEXT,
  textWhere,
} from '../../base/text/document.ts';
import { COLUMNS } from '../../shard/description.ts';
import { METRICS } from '../../vectors/metric.ts';
import { NULL_DISTANCES } from '../../vectors/significance/null-distances.ts';
import { VECTOR_TYPES } from '../../vectors/vector-type.ts';
import { PLAN_SOURCE, type PlanSource } from './bucket-plan.ts';

/** Accepts the path of a file in one of these folders. */
function fileIn(...folders: string[]) {
  const begins = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
  return INNER_PATH.check(z.refine(begins, `a path in ${folders.join('/, ')}/`));
}

/** A file of a table, by its path inside the table's folder. */
const TABLE_FILE = z.object({
  path: fileIn('data', '_indices', '_deletions', '_transactions', '_versions'),
  bytes: COUNT,
  /** Of the content, with its algorithm: `crc64nvme:...`. */
  checksum: CHECKSUM,
});

/** Wall and CPU time of one step. */
export type StepCost = z.infer<typeof STEP_COST>;
const STEP_COST = z.object({ seconds: AMOUNT, cpuSeconds: AMOUNT });

export type IndexDescription = z.infer<typeof INDEX_DESCRIPTION>;
const INDEX_DESCRIPTION = z.object({
  /** `none`: the rows are too few to train an index, so a search reads the whole table. */
  kind: choice(['ivf-pq', 'ivf-rq', 'none']),
  metric: choice(METRICS),
  partitions: COUNT,
  /** Only for ivf-pq. */
  subVectors: z.optional(SIZE),
  /** `order`: the index has the partitions of the table's row order. Absent: LanceDB trained its own. */
  centroids: z.optional(choice(['order'])),
  parameters: z.record(z.string(), AMOUNT),
});

/** A data file that stores the vectors of one fragment contiguously: rows * dimension components. */
export type FragmentFile = z.infer<typeof FRAGMENT_FILE>;
const FRAGMENT_FILE = z.object({
  path: fileIn('data'),
  rows: SIZE,
  /** Byte offset of the vectors. */
  offset: COUNT,
  /** Checksum of the rest of the file: ids and metadata. */
  checksum: z.optional(CHECKSUM),
  /** The file of the fragment's kept columns. */
  columns: z.optional(fileIn('data')),
});

/** The partition file of a table whose rows are sorted by partition. Format: docs/formats.md. */
export type PartitionOrder = z.infer<typeof PARTITION_ORDER>;
const PARTITION_ORDER = z.object({
  /** Arrow IPC file with the centroids and the row range of each partition, relative to the database. */
  path: fileIn('_partitions'),
  count: SIZE,
  bytes: COUNT,
  checksum: CHECKSUM,
  /** Version of the assignment of rows to partitions; 1 where absent. */
  assigner: z.optional(SIZE),
});

/** Letters in the kept sequences of all rows that the data files hold. Absent: none are kept, or an earlier version built the table. */
const RESIDUES = z.optional(COUNT);

/** Describes the table that ingest-bucket wrote. */
export type TableDescription = z.infer<typeof TABLE_DESCRIPTION>;
const TABLE_DESCRIPTION = z.object({
  rows: SIZE,
  dimension: SIZE,
  vectorType: choice(VECTOR_TYPES),
  /** Attributes of the shards. */
  model: ATTRIBUTES,
  /** Size of `data/`. */
  dataBytes: COUNT,
  tableVersion: SIZE,
  /** Locations of the vectors, fragment by fragment, for reads without LanceDB; absent if vectors are not contiguous. */
  fragments: z.optional(z.array(FRAGMENT_FILE)),
  /** Kept columns, in the order of the table. */
  columns: z.optional(COLUMNS),
  residues: RESIDUES,
  partitions: z.optional(PARTITION_ORDER),
  /** The files with the checksums that publishing computed; absent if it moved the files. */
  files: z.optional(z.array(TABLE_FILE)),
});

const SOURCES = z.array(PLAN_SOURCE).check(z.minLength(1, 'a list of at least one source'));

/** `_pending/<bucket>.json`: state of a bucket that is planned or ingested, kept until it is indexed. Format: docs/formats.md. */
export type IngestRecord = z.infer<typeof INGEST_RECORD>;
export const INGEST_RECORD = z.object({
  version: z.literal(1),
  state: choice(['planned', 'ingested']),
  bucket: z.string(),
  sources: SOURCES,
  metric: z.optional(choice(METRICS)),
  /** Hash of all inputs that determine the table's content. A table with the same recipe is not built again. */
  recipe: z.optional(TEXT),
  table: z.optional(TABLE_DESCRIPTION),
  ingest: z.optional(STEP_COST),
});

const FINGERPRINT = textWhere((text) => /^[0-9a-f]{32}$/.test(text), '32 hexadecimal digits');

/** How the rows of a bucket differ from those of its sources. */
export type Revision = z.infer<typeof REVISION>;
const REVISION = z.object({
  /** Fingerprints that the bucket had before, the first one that of its build. */
  of: z.array(FINGERPRINT),
  /** Rows of the sources that were deleted since. */
  removedRows: COUNT,
  /** Rows that other clients added. */
  addedRows: COUNT,
  /** Set where another client changed rows: the two counts are then the difference, and do not tell whether it added some and deleted others. */
  isAdopted: z.optional(z.literal(true, 'true')),
});

/** `_catalog/<bucket>.json`: a bucket is part of the database if and only if this file exists. Format: docs/formats.md. */
export type CatalogEntry = z.infer<typeof CATALOG_ENTRY>;
export const CATALOG_ENTRY = z.object({
  version: z.literal(1),
  bucket: z.string(),
  rows: COUNT,
  metric: choice(METRICS),
  tableVersion: SIZE,
  files: z.array(TABLE_FILE),
  dimension: SIZE,
  vectorType: choice(VECTOR_TYPES),
  /** Attributes of the shards: the model that made the vectors, and its settings. */
  model: ATTRIBUTES,
  index: INDEX_DESCRIPTION,
  fragments: z.optional(z.array(FRAGMENT_FILE)),
  /** Kept columns, in the order of the table. Absent: none. */
  columns: z.optional(COLUMNS),
  residues: RESIDUES,
  partitions: z.optional(PARTITION_ORDER),
  sources: SOURCES,
  /** Rows that the data files still hold although they are deleted. Absent: none. */
  deletedRows: z.optional(SIZE),
  revision: z.optional(REVISION),
  /** Buckets whose rows this one has. They are no part of the database any more, even where their entries are still there. */
  replaces: z.optional(z.array(z.object({ bucket: z.string(), fingerprint: FINGERPRINT }))),
  /** Hashes of the inputs that determine the table's rows, and its index. */
  recipe: TEXT,
  indexRecipe: TEXT,
  bytes: COUNT,
  /** Distances of unrelated vectors, for E-values; absent in entries of earlier versions. */
  nullDistances: z.optional(NULL_DISTANCES),
  /** Changes when the table's files or `nullDistances` change. SEARCH_BUCKET has it as an input. */
  fingerprint: FINGERPRINT,
  steps: z.object({ ingest: STEP_COST, index: STEP_COST }),
  software: z.object({ lanceflow: TEXT, lancedb: TEXT, node: TEXT }),
  created: textWhere((text) => !Number.isNaN(Date.parse(text)), 'a time (ISO 8601)'),
});

/** Returns whether a bucket may have rows of another client, beside those of its sources. */
export function mayHaveOtherRows({ revision }: Pick<CatalogEntry, 'revision'>): boolean {
  return revision !== undefined && (revision.addedRows > 0 || revision.isAdopted === true);
}

/** Returns the rows that a bucket's data files hold: those of the table and those that were deleted. */
export function storedRows({ rows, deletedRows = 0 }: Pick<CatalogEntry, 'rows' | 'deletedRows'>): number {
  return rows + deletedRows;
}

/**
 * Returns what the pipeline needs of an entry. `revisionOf`: earlier fingerprints, by which -resume knows the bucket. `hasNullDistances`: whether
 * its hits get p-values.
 */
export function briefEntry(entry: CatalogEntry) {
  const { bucket, rows, bytes, fingerprint, model, columns, revision, nullDistances } = entry;
  return {
    ...{ bucket, rows, bytes, fingerprint, model },
    ...(columns && { columns }),
    ...(revision && { revisionOf: revision.of }),
    hasNullDistances: nullDistances !== undefined,
  };
}

/** Removes the entries of buckets that another entry replaces. */
export function withoutReplaced<T extends Pick<CatalogEntry, 'bucket' | 'fingerprint' | 'replaces'>>(
  entries: readonly T[],
): T[] {
  const nameOf = ({ bucket, fingerprint }: { bucket: string; fingerprint: string }) => `${bucket} ${fingerprint}`;
  const replaced = new Set(entries.flatMap(({ replaces = [] }) => replaces.map(nameOf)));
  return entries.filter((entry) => !replaced.has(nameOf(entry)));
}

/** Hashes the parts of an entry that affect a search: the files, version and null distribution, but not times and hosts. */
export function fingerprint(
  entry: Pick<CatalogEntry, 'bucket' | 'rows' | 'metric' | 'tableVersion' | 'files' | 'nullDistances'>,
): string {
  const { bucket, rows, metric, tableVersion, files, nullDistances } = entry;
  return createHash('sha256')
    .update(JSON.stringify({ bucket, rows, metric, tableVersion, files, nullDistances }))
    .digest('hex')
    .slice(0, 32);
}

/** Hashes the sources of a bucket as a set: equal for the same rows of the same contents, whatever their order and paths. */
export function sourceKey(sources: readonly Pick<PlanSource, 'contentHash' | 'start' | 'end'>[]): string {
  const parts = sources.map(({ contentHash, start, end }) => `${contentHash}:${start}-${end}`).sort();
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
